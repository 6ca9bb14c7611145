"""Open the MLflow UI on the store, on loopback, and print where to look."""

import signal
import sys
from collections.abc import Iterator, Sequence


def run(words: Sequence[str]) -> int:
    """Serve until interrupted; a polite kill ends the server too."""
    from misfire.config import Settings
    from misfire.core.pulse import at_rest, doing
    from misfire.tracking import experiment_links, serve_ui

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = Settings.of_words("ui", words)
    ledger, host, port = settings["tracking"], settings["host"], settings["port"]
    doing(f"Starting the MLflow UI on {ledger.uri}")
    with serve_ui(ledger, host=host, port=port) as server:
        at_rest()
        for line in where_to_look(f"http://{host}:{port}", experiment_links(ledger.client)):
            print(line)
        sys.stdout.flush()
        server.wait()
    return 0


def where_to_look(address: str, links: Sequence[tuple[str, str]]) -> Iterator[str]:
    """What is printed once the UI answers: the list of experiments, then each experiment on its runs.

    Args:
        address: Where the UI is served.
        links: Titles and addresses inside the UI, the list of experiments first.
    """
    (_, everything), *experiments = links
    yield f"MLflow UI on {address}/{everything} (Ctrl-C ends it)"
    width = max((len(title) for title, _ in experiments), default=0)
    for title, link in experiments:
        yield f"  {title:<{width}}  {address}/{link}"
