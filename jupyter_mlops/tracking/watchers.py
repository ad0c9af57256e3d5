"""What a call of each watched kind of function tells: a fit, a score, a metric, predictions, cross-validation, training."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from jupyter_mlops import config
from jupyter_mlops.tracking.seeing import Fit, Seen
from jupyter_mlops.tracking.swapping import Watcher

_SHORT = {
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "root_mean_squared_error": "rmse",
    "mean_absolute_percentage_error": "mape",
    "r2_score": "r2",
    "roc_auc_score": "auc",
    "average_precision_score": "average_precision",
    "accuracy_score": "accuracy",
    "balanced_accuracy_score": "balanced_accuracy",
    "precision_score": "precision",
    "recall_score": "recall",
    "f1_score": "f1",
    "log_loss": "log_loss",
    "brier_score_loss": "brier",
    "ndcg_score": "ndcg",
}

active: list[Seen] = []
"""Who is watching: one for each tracked block under way, the innermost last."""


class Call(NamedTuple):
    """A call that ended. `held` is what was taken of its arguments before it began."""

    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    answer: Any
    held: Any

    def argument(self, number: int, *names: str) -> Any:
        if len(self.args) > number:
            return self.args[number]
        return next((self.kwargs[name] for name in names if name in self.kwargs), None)


Note = Callable[[Seen, Call], None]


def _watcher(
    note: Note | None,
    *,
    begins: Callable[[tuple[Any, ...]], bool] | None = None,
    before: Callable[[Call], Any] | None = None,
    asked: bool = False,
) -> Watcher:
    """Calls the function and notes what it did, if it is not a step of another one that is watched.

    `begins` says of what was given whether this is what a tracked cell is for: a scaler fitted alone is not.
    `asked`: what a library's own code calls is not noted, since nobody in the cell asked for it.
    """

    def watch(original: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        seens = list(active)
        held = _safely(before, Call(original.__name__, args, kwargs, None, None)) if before else None
        inner = asked and _is_library(sys._getframe(2).f_globals.get("__name__", ""))
        _enter(seens, begins is not None and bool(_safely(begins, args)))
        try:
            answer = original(*args, **kwargs)
        except BaseException as error:
            _leave(seens)
            if error.__traceback__ is not None:  # our frame is nothing to show to whoever reads it
                error.__traceback__ = error.__traceback__.tb_next
            raise
        _leave(seens)
        if note is not None and not inner:
            call = Call(original.__name__, args, kwargs, answer, held)
            for seen in seens:
                if seen.depth == 0:
                    _safely(note, seen, call)
        return answer

    return watch


def _enter(seens: list[Seen], begins: bool) -> None:
    for seen in seens:
        if begins:
            seen.begun()
        seen.depth += 1


def _leave(seens: list[Seen]) -> None:
    for seen in seens:
        seen.depth -= 1


def _is_library(module: str) -> bool:
    return module.partition(".")[0] in ("sklearn", "xgboost", "lightgbm", "catboost", "statsmodels")


def _safely(step: Callable[..., Any], *given: Any) -> Any:
    """The observer never breaks the observed: what a call was is not noted then."""
    try:
        return step(*given)
    except Exception:  # whatever an estimator of somebody's own makes of being looked at
        if config.strict():
            raise
        return None


def _model(args: tuple[Any, ...]) -> bool:
    return not args or any(hasattr(args[0], method) for method in ("predict", "fit_predict"))


def _always(_args: tuple[Any, ...]) -> bool:
    return True


def _fit(seen: Seen, call: Call) -> None:
    seen.fitted(Fit(call.args[0], call.argument(1, "X"), call.argument(2, "y")))


def _score(seen: Seen, call: Call) -> None:
    seen.scored("score", call.answer, call.argument(1, "X"), f"{type(call.args[0]).__name__}.score")


def _predict(seen: Seen, call: Call) -> None:
    seen.answered(call.answer, call.argument(1, "X", "data"))


def _metric(seen: Seen, call: Call) -> None:
    rows = seen.rows([*call.args, *call.kwargs.values()])
    seen.scored(_SHORT.get(call.function, call.function), call.answer, rows, call.function)


def _validation(seen: Seen, call: Call) -> None:
    """Cross-validation: the mean over the folds, each score under its own name. The fits inside are its business."""
    folds = call.answer if isinstance(call.answer, dict) else {"test_score": call.answer}
    for name, values in folds.items():
        if name.startswith("test_"):
            short = name.removeprefix("test_")
            seen.scored(f"cv_{short}", float(values.mean()), None, f"{call.function}, {len(values)} folds")


def _rows_of(call: Call) -> Any:
    rows = call.args[1] if len(call.args) > 1 else call.kwargs.get("dtrain", call.kwargs.get("train_set"))
    held = getattr(rows, "data", None)  # LightGBM lets go of it when it has trained
    return rows if held is None else held


def _training(seen: Seen, call: Call) -> None:
    given = call.argument(0, "params")
    seen.fitted(Fit(call.answer, call.held, None, dict(given) if isinstance(given, Mapping) else {}))


def _estimation(seen: Seen, call: Call) -> None:
    """Of statsmodels: what is fitted is the answer, and its data came with the model that was asked."""
    model = call.args[0]
    rows = getattr(getattr(model, "data", None), "orig_exog", None)
    given = {"estimator": type(model).__name__, "formula": getattr(model, "formula", None)}
    fitted = Fit(call.answer, rows if rows is not None else getattr(model, "endog", None), None, given)
    seen.fitted(fitted)


fit = _watcher(_fit, begins=_model)
score = _watcher(_score, asked=True)
predict = _watcher(_predict, asked=True)
metric = _watcher(_metric, asked=True)
validation = _watcher(_validation, begins=_always, asked=True)
estimation = _watcher(_estimation, begins=_always, asked=True)
training = _watcher(_training, begins=_always, before=_rows_of)
step = _watcher(None)
"""What is fitted inside, a report's encoder or a curve's hundred models, is the function's own business."""
METHODS = {
    "fit": fit,
    "fit_transform": fit,
    "fit_predict": fit,
    "score": score,
    "predict": predict,
    "predict_proba": predict,
}
