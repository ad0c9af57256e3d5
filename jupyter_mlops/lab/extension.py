"""The jupyter-server extension: starts at once, imports what is heavy afterwards, and tells the front end of changes."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_server.extension.application import ExtensionApp
from tornado.ioloop import IOLoop
from traitlets import Float

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.kernels import learn, notebooks_of, warm_up
from jupyter_mlops.lab.handlers import handlers
from jupyter_mlops.lab.workspace import Workspace

CHANGED = "https://jupyter-mlops.example/events/changed/v1"


class MlopsExtension(ExtensionApp):  # type: ignore[misc]  # jupyter_server's types are not followed
    name = "jupyter_mlops"
    load_other_extensions = True
    poll_seconds = Float(1.0, config=True, help="How often the store is looked at for changes.")

    def initialize_settings(self) -> None:
        self.workspace = Workspace(Path(self.serverapp.root_dir).resolve())
        self.pool = ThreadPoolExecutor(6, thread_name_prefix="mlops-lab")
        self.slow_pool = ThreadPoolExecutor(2, thread_name_prefix="mlops-lab-slow")  # what takes minutes blocks nothing
        self._closing = threading.Event()
        self.serverapp.event_logger.register_event_schema(Path(__file__).parent / "events" / "changed.yaml")
        self._loop = IOLoop.current()
        threading.Thread(target=self._watch, name="mlops-changes", daemon=True).start()
        # Voila pages opened from here look as they do on their own.
        config = self.settings.get("voila_configuration")
        if config is not None:
            config.template = "mlops"

    def initialize_handlers(self) -> None:
        self.handlers.extend(handlers(self))

    async def stop_extension(self) -> None:
        self._closing.set()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.slow_pool.shutdown(wait=False, cancel_futures=True)
        self.workspace.close()

    def _watch(self) -> None:
        """Tell of each change of the project's database, ledger and jobs. What cannot be opened is tried again, quietly."""
        seen = None
        while not self._closing.wait(self.poll_seconds):
            try:
                now = self.workspace.changes()
            except MlopsError:
                continue
            if seen is None:
                learn(notebooks_of(self.workspace.root))
                warm_up()  # where there is a project, its notebooks and pages will want kernels
            else:
                for what in now:
                    if now[what] != seen[what]:
                        self._loop.add_callback(self._tell, what)
            seen = now

    def _tell(self, what: str) -> None:
        self.serverapp.event_logger.emit(schema_id=CHANGED, data={"what": what})
