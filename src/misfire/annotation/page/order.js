// The next open item behind this one, around the end; then the skipped ones, if they are what is looked at.

export function nextIndex(items, from, isReviewing) {
  const behind = (status) => {
    for (let step = 1; step <= items.length; step += 1) {
      const index = (from + step + items.length) % items.length;
      if (index !== from && items[index].status === status) return index;
    }
    return null;
  };
  return behind("open") ?? (isReviewing ? behind("skipped") : null);
}
