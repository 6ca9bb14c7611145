"""The web application that ``misfire ui`` serves: MLflow's own, whose UI opens an experiment on its runs.

MLflow's UI has a side for traces of language models and one for runs. Which is shown hangs on the address, or on what
was last chosen in this browser, which the UI keeps in the browser's storage; where nothing was chosen it is the traces,
and nothing that a store or the server's options hold changes that. So the first page chooses runs before the UI starts,
unless the person who looks has chosen already.
"""

from pathlib import Path

from flask import Response
from mlflow.server import app as mlflow_pages
from mlflow.server.fastapi_app import app

__all__ = ["app"]

_CHOOSE_RUNS = (
    "<script>try { "
    "const chosen = 'mlflow.workflowType_v1'; "
    "if (localStorage.getItem(chosen) === null) localStorage.setItem(chosen, '\"machine_learning\"'); "
    "} catch { /* a browser that keeps nothing opens on traces, as MLflow does */ }</script>"
)


def first_page() -> Response:
    """MLflow's one page, which chooses the side of runs where no side was chosen."""
    page = Path(str(mlflow_pages.static_folder), "index.html").read_text(encoding="utf-8")
    return Response(page.replace("<head>", f"<head>{_CHOOSE_RUNS}", 1), mimetype="text/html")


mlflow_pages.view_functions["serve"] = first_page
