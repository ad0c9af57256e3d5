"""What calls are known to do: which only look, which answer with something new, which reach beyond any name."""

from __future__ import annotations

from jupyter_mlops.tracking.chance import generator_of

WORLD = "<world>"
"""Stands for what no name holds: the working directory, the environment, import paths, settings. (Chance: `chance`.)"""
FILES = "<files>"
"""Stands for files on disk: written by one cell, read by another."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Passed to these, a value is only looked at.
HARMLESS = _words(
    "print len repr str int float bool type isinstance issubclass sum min max abs round sorted range enumerate zip list dict "
    "set tuple frozenset display any all hash id format divmod callable hasattr"
)

# Of these the answer holds, or is, what they were given.
HOLDING = _words("dict list tuple set frozenset zip enumerate sorted reversed max min items values")

# Methods that leave their object and their arguments as they were, in pandas, numpy, scikit-learn and drawing libraries, and
# answer with something of its own (pandas copies on write). With `inplace=True` or `out=` they are not among these.
LOOKING = _words(
    "head tail describe info copy mean median std var sum min max count nunique unique value_counts corr cov quantile "
    "isna isnull notna notnull groupby agg aggregate merge join drop dropna fillna rename assign astype sort_values sort_index "
    "reset_index set_index pivot pivot_table melt query isin between round to_numpy to_list tolist to_dict items keys values "
    "reshape ravel flatten transpose dot any all argmax argmin idxmax idxmin "
    "predict predict_proba predict_log_proba decision_function score score_samples staged_predict staged_predict_proba "
    "get_params get_support get_feature_names_out get_depth get_n_leaves kneighbors decision_path transform inverse_transform "
    "summary toarray todense "
    "plot hist boxplot scatter bar barh imshow pie fill_between axhline axvline legend set_title set_xlabel set_ylabel "
    "format strip split startswith endswith upper lower replace"
)

# Methods that change their object and not what they are given: estimators keep no hold of the rows they learn from.
LEARNING = _words("fit fit_transform fit_predict partial_fit")

# Modules whose functions leave what they are given alone.
PURE = _words(
    "math statistics json re datetime time pandas numpy scipy matplotlib seaborn plotly altair warnings mpl_toolkits graphviz "
    "sklearn xgboost lightgbm catboost statsmodels"
)
CHANGING = _words("put place putmask copyto fill_diagonal shuffle")
"""Functions of those modules that do change their argument."""
IN_PLACE = frozenset({"inplace", "out", "copy", "copy_X", "copy_x"})
"""Arguments that say where the result goes: perhaps into what was given."""


def holds(home: str) -> bool:
    """Whether the answer of a pure module's function holds what it was given: a class, or one that makes an object of it."""
    name = home.rpartition(".")[2]
    return name[:1].isupper() or name.startswith(("make_", "check_", "as_", "asarray", "indexable"))


_WORLD = _words(
    "seed set_seed manual_seed seed_everything set_random_seed set_config set_option reset_option chdir putenv setenv "
    "load_dotenv set_start_method filterwarnings simplefilter"
)
# Drawn from a generator of its own, or making one: the shared ones are left alone.
OWN_RANDOM = _words("default_rng RandomState Generator SeedSequence Random SystemRandom PCG64 MT19937")
_PLACES = (("os", "environ"), ("sys", "path"))

_WRITING = _words("dump save savez savez_compressed savetxt savefig write_text write_bytes mkdir unlink")
_READING = _words("open load loadtxt genfromtxt read read_text read_bytes glob iterdir exists is_file")


def reaches(chain: tuple[str, ...]) -> set[str]:
    """WORLD if a call of `a.b.c` changes what no name holds; drawing from a generator that is not known counts as that."""
    name = chain[-1]
    if generator_of(chain):
        return set()
    if name in _WORLD or any(chain[: len(place)] == place for place in _PLACES):
        return {WORLD}
    drawing = len(chain) > 1 and "random" in chain[:-1] and name not in OWN_RANDOM
    return {WORLD} if drawing else set()


def writes_files(chain: tuple[str, ...]) -> bool:
    name = chain[-1]
    return name in _WRITING or (name.startswith("to_") and name not in LOOKING)


def reads_files(chain: tuple[str, ...]) -> bool:
    return chain[-1] in _READING or chain[-1].startswith(("read_", "scan_"))


# Magics, by what their text is.
PYTHON_LINES = _words("time timeit prun")
FOREIGN_CELLS = _words("html javascript js latex markdown svg")
QUIET_LINES = _words(
    "matplotlib pip conda config precision who whos who_ls history hist load_ext reload_ext autoreload track mlops pwd ls "
    "lsmagic magic pinfo pinfo2 psearch pdef pdoc psource xmode pdb colors tb quickref alias man page "
    "watermark nb_black lab_black"
)
"""Line magics on which no value depends. Extensions are loaded by whoever replays."""
