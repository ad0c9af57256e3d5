"""The types that a model may be made of: reviewed, each holds numbers and calls nothing it is given. A kernel asks too."""

from __future__ import annotations

from collections.abc import Iterable

# What a search holds beside its estimator: how it scores, which calls one of these functions, and how it splits.
_SCORING = {
    "_classification": (
        "accuracy_score balanced_accuracy_score brier_score_loss d2_brier_score d2_log_loss_score f1_score "
        "jaccard_score log_loss matthews_corrcoef precision_score recall_score"
    ),
    "_ranking": ("average_precision_score roc_auc_score top_k_accuracy_score"),
    "_regression": (
        "d2_absolute_error_score explained_variance_score max_error mean_absolute_error mean_absolute_percentage_error "
        "mean_gamma_deviance mean_poisson_deviance mean_squared_error mean_squared_log_error median_absolute_error "
        "r2_score root_mean_squared_error root_mean_squared_log_error"
    ),
    "_scorer": ("_PassthroughScorer _Scorer negative_likelihood_ratio positive_likelihood_ratio"),
    "cluster._supervised": (
        "adjusted_mutual_info_score adjusted_rand_score completeness_score fowlkes_mallows_score homogeneity_score "
        "mutual_info_score normalized_mutual_info_score rand_score v_measure_score"
    ),
}
_SPLITTING = (
    "GroupKFold KFold LeaveOneOut RepeatedKFold RepeatedStratifiedKFold ShuffleSplit StratifiedKFold "
    "StratifiedShuffleSplit TimeSeriesSplit"
)
# Distances and kernels are numbers; `PyFuncDistance`, which calls what it is given, is not among them.
_DISTANCES = (
    "BrayCurtis Canberra Chebyshev Dice Euclidean Hamming Haversine Jaccard Mahalanobis Manhattan Minkowski RogersTanimoto "
    "RussellRao SEuclidean SokalMichener SokalSneath"
)
_KERNELS = (
    "CompoundKernel ConstantKernel DotProduct ExpSineSquared Exponentiation Matern PairwiseKernel Product RBF "
    "RationalQuadratic Sum WhiteKernel"
)
_SELECTING = "_mutual_info.mutual_info_classif _mutual_info.mutual_info_regression " + " ".join(
    f"_univariate_selection.{name}" for name in ("chi2", "f_classif", "f_oneway", "f_regression", "r_regression")
)

TRUSTED = (
    *(f"sklearn.metrics._dist_metrics.{name}Distance{bits}" for name in _DISTANCES.split() for bits in (32, 64)),
    *(f"sklearn.gaussian_process.kernels.{name}" for name in _KERNELS.split()),
    *(f"sklearn.feature_selection.{name}" for name in _SELECTING.split()),
    *(f"sklearn.metrics.{module}.{name}" for module, names in _SCORING.items() for name in names.split()),
    *(f"sklearn.model_selection._split.{name}" for name in _SPLITTING.split()),
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRanker",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn._loss.link.Interval",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.cluster._bisect_k_means._BisectingTree",
    "sklearn.cluster._kmeans._kmeans_single_elkan",
    "sklearn.cluster._kmeans._kmeans_single_lloyd",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRFClassifier",
    "xgboost.sklearn.XGBRFRegressor",
    "xgboost.sklearn.XGBRanker",
    "xgboost.sklearn.XGBRegressor",
)


def foreign(types: Iterable[str]) -> list[str]:
    """Those of these types that nobody has reviewed."""
    return sorted(set(types) - set(TRUSTED))
