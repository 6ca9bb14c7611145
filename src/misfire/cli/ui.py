"""Open the MLflow UI on the store, on loopback, and print where to look."""

import signal
import sys
from collections.abc import Sequence


def run(words: Sequence[str]) -> int:
    """Serve until interrupted; a polite kill ends the server too."""
    from misfire.config import Settings
    from misfire.core.pulse import at_rest, doing
    from misfire.tracking import experiment_links, serve_ui

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    settings = Settings.of_words("ui", words)
    ledger, host, port = settings["tracking"], settings["host"], settings["port"]
    address = f"http://{host}:{port}"
    doing(f"Starting the MLflow UI on {ledger.uri}")
    with serve_ui(ledger, host=host, port=port) as server:
        at_rest()
        # The bare address opens MLflow's side for language-model traces; the list of experiments doesn't.
        (_, everything), *links = experiment_links(ledger.client)
        print(f"MLflow UI on {address}/{everything} (Ctrl-C ends it)")
        width = max((len(title) for title, _ in links), default=0)
        for title, link in links:
            print(f"  {title:<{width}}  {address}/{link}")
        sys.stdout.flush()
        server.wait()
    return 0
