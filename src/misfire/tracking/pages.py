"""The web application that ``misfire ui`` serves: MLflow's own, whose UI opens an experiment on its runs.

MLflow's UI has a side for traces of language models and one for runs. Which is shown hangs on the address, or on what
was last chosen in this browser, which the UI keeps in the browser's storage; where nothing was chosen it is the traces,
and nothing that a store or the server's options hold changes that. So the first page makes choices before the UI
starts, each unless the person who looks has made it already.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Response

CHOICES = {
    "mlflow.workflowType_v1": "machine_learning",  # runs, not traces
    # As if the assistant's panel had opened by itself before, which it does once: it hides the columns behind it.
    "mlflow.assistant.fab.autoOpenedOnFirstLoad_v1": True,
}
"""What is chosen where nobody has chosen, by the UI's own keys."""

_CHOOSE = (
    "<script>try { for (const [key, choice] of Object.entries(CHOICES)) { "
    "if (localStorage.getItem(key) === null) localStorage.setItem(key, JSON.stringify(choice)); "
    "} } catch { /* a browser that keeps nothing opens as MLflow does */ }</script>"
)


def __getattr__(name: str) -> Any:
    """``app``, for the server that asks for it: whoever imports this module for something else starts no MLflow."""
    if name != "app":
        raise AttributeError(f"module {__name__} has no attribute {name}")
    from mlflow.server import app as mlflow_pages
    from mlflow.server.fastapi_app import app

    mlflow_pages.view_functions["serve"] = first_page
    return app


def first_page() -> "Response":
    """MLflow's one page, which makes our choices where none was made."""
    from flask import Response
    from mlflow.server import app as mlflow_pages

    page = Path(str(mlflow_pages.static_folder), "index.html").read_text(encoding="utf-8")
    choose = _CHOOSE.replace("CHOICES", json.dumps(CHOICES))
    return Response(page.replace("<head>", f"<head>{choose}", 1), mimetype="text/html")
