"""How the numbers of retrieval's reports were made, a sentence each."""

METHOD = (
    "Every number is read from the stored records of the cells named below it; nothing was run again for this report.",
    "A hit at k is a query whose own image is among the first k of the gallery; of equal scores the one earlier in the "
    "gallery ranks first. Differences are taken between counts and rounded once.",
    "Bootstrap numbers were stored with each cell: queries are resampled with replacement, both systems together, and "
    "the interval is NumPy's linear percentiles of the resampled differences.",
    "A subset of mined failures was chosen because the baseline fails on it, so even an equally good system seems to "
    "gain there. That is why the changes outside the subset stand in the same row.",
)
METHOD_OF_CELLS = (
    *METHOD,
    "A gain is called one only if luck makes the best of as many cells look this different in fewer than 5 of 100 "
    "trials and, on queries that were picked, if the change over all queries is a gain by the same measure. A decision "
    "rule is passed only by such a gain.",
)
