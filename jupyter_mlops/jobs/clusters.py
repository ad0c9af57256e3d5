"""A Dask cluster as an executor: `pip install jupyter-mlops[dask]`. Its scheduler gives a lost worker's job to another."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from jupyter_mlops.errors import BadInput, Unavailable

PACKAGES = ("jupyter_mlops", "mlflow", "papermill", "dask", "distributed")
_WITHIN = "10s"


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """The executor of the cluster there, every worker of which has the versions we have.

    Raises Unavailable when nobody answers, BadInput when Dask is not installed or workers differ, each with its name.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise BadInput("a cluster needs Dask, which is not installed", "pip install 'jupyter-mlops[dask]'") from error
    try:
        client = Client(address, timeout=_WITHIN, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise Unavailable(
            f"no Dask scheduler answers at {address}: {str(error)[:200] or type(error).__name__}",
            "start one (`dask scheduler`), or correct --cluster; without it the jobs run here",
            address=address,
        ) from error
    with client:
        _check_workers(client, address)
        yield client.get_executor(retries=0, pure=False)


def _check_workers(client: object, address: str) -> None:
    """Asked in Dask's own words, since a worker without our package could not run a function of ours."""
    workers = client.run(_versions, PACKAGES)  # type: ignore[attr-defined]
    if not workers:
        raise Unavailable(f"the cluster at {address} has no workers", "start some: `dask worker ADDRESS`")
    ours = _ours()
    differing = [
        f"{worker}: {', '.join(f'{n} {there.get(n)} (here {v})' for n, v in ours.items() if there.get(n) != v)}"
        for worker, there in sorted(workers.items())
        if there != ours
    ]
    if differing:
        raise BadInput(
            f"{len(differing)} of {len(workers)} workers have other versions: " + "; ".join(differing),
            "install the same there, or run without --cluster",
            workers=differing,
        )


def _ours() -> dict[str, str]:
    return _versions(PACKAGES)


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    import platform
    from importlib import metadata

    found = {"python": ".".join(platform.python_version_tuple()[:2])}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
