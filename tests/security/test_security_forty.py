"""The forty attacks that must not succeed, and which tests throw each. Where there is no door, it says which there is not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

# Number, what is tried, and below it each test that tries it: `jobs/truth::x` is `test_x` in tests/jobs/test_jobs_truth.py.
TOLD = """\
1 code in a parameter's name
  jobs/parameters::what_does_not_fit_is_refused
  jobs/truth::what_does_not_fit_is_refused_and_leaves_no_run
2 statements in a parameter's name
  jobs/truth::what_does_not_fit_is_refused_and_leaves_no_run
3 a shell command as a parameter's name
  jobs/truth::what_does_not_fit_is_refused_and_leaves_no_run
4 a keyword as a parameter's name
  jobs/truth::what_does_not_fit_is_refused_and_leaves_no_run
5 a value that only looks like a number
  jobs/truth::what_does_not_fit_is_refused_and_leaves_no_run
6 values with quotes, NUL, surrogates, no end
  jobs/truth::values_arrive_exactly_and_run_nothing
  jobs/parameters::what_stands_for_something_arrives_as_it
7 code in a path: only `{segment}` is replaced, and a notebook is inside the project
  security/names::nothing_but_the_segment_is_replaced_in_a_path
  security/names::no_path_leaves_the_project
  lab/rest::a_wrong_request_is_told_what_is_wrong
8 paths out of a folder
  lab/attacks::no_byte_of_a_file_outside_leaves
9 a link or pipe among files
  security/files::a_link_or_pipe_among_a_models_files_is_refused
  security/files::a_link_or_pipe_among_a_runs_files_is_not_followed
10 a zip with paths out of it, or ten gigabytes
  governance/pack::a_zip_of_ten_gigabytes_is_not_unpacked
  governance/pack::a_pack_written_anew_is_found
11 an address of the tracking server: it stands in the project's file alone
  lab/attacks::no_route_calls_an_address_it_is_given
12 an address to tell people at: it stands in the project's file alone
  lab/attacks::no_route_calls_an_address_it_is_given
13 HTML in a description
  dashboards/pages::hostile_names_stay_text_and_every_table_and_picture_is_named
  governance/pack::the_card_is_made_and_what_nobody_said_is_named
14 names that look like another's
  security/names::we_register_under_plain_names_only
  security/names::foreign_names_are_shown_as_what_they_are
15 HTML, escapes and formulas in values
  dashboards/words::text_stays_text_wherever_it_is_put
  security/names::no_cell_of_a_table_is_a_formula
16 an artifact with a script
  lab/attacks::an_answer_is_data_that_no_browser_shows_as_a_page
17 a script in an untrusted notebook: a panel shows text, JupyterLab the notebook
  security/source::no_text_becomes_code_outside_of_named_files
  security/source::no_panel_makes_markup_of_text
  browser/lab::a_notebook_becomes_a_form_and_a_job_that_is_followed
18 requests without credentials
  lab/rest::nobody_is_answered_without_credentials
  lab/rest::a_cookie_alone_changes_nothing
  lab/rest::what_only_answers_takes_no_orders
19 another host or origin
  serving/endpoint::bad_requests_are_told
  serving/doors::other_machines_are_served_only_with_keys
20 a websocket from another origin
  lab/attacks::changes_are_told_to_our_own_pages_only
  browser/dashboards::a_visitor_runs_nothing_of_their_own_and_hears_nobody_elses_page
21 a pickle that runs something
  security/model_files::what_a_pickle_imports_is_read_and_not_run
  security/model_files::a_signature_does_not_make_a_hostile_pickle_loadable
22 code beside a model
  security/model_files::each_way_to_run_code_is_known
23 a model that trusts itself
  store/runs::types_nobody_reviewed_are_refused_by_name
24 options and addresses in requirements
  security/files::requirements_that_are_no_pins_install_nothing
25 object arrays, torch, Keras, ONNX
  security/files::other_formats_are_not_read
26 files changed after they were registered
  governance/pack::files_changed_after_registration_are_refused_and_entered
27 approvals that are none
  governance/approvals::no_approval_by_its_author_however_written
  governance/approvals::an_approval_is_for_its_version_only
  governance/approvals::nothing_is_approved_before_the_gates_ran
  governance/approvals::it_expires
  governance/approvals::it_is_withdrawn
  governance/approvals::new_evidence_makes_it_stale
28 the alias moved past us
  governance/server::a_plain_client_is_refused_by_name_and_a_forged_name_is_none
  ledger/registry::what_is_changed_behind_every_client_is_named
29 a forged name
  governance/server::a_plain_client_is_refused_by_name_and_a_forged_name_is_none
  governance/server::without_a_log_in_nobody_decides
  governance/approvals::who_may_not_approve_is_refused_and_entered
30 a ledger that was changed
  ledger/chain::a_changed_field_is_found_at_its_entry
  ledger/chain::a_removed_entry_is_missed
  ledger/checkpoints::a_cut_tail_is_found
  ledger/checkpoints::a_history_written_anew_is_found
  ledger/checkpoints::a_replaced_database_is_found
31 texts of more than one form
  security/names::a_text_in_the_ledger_is_one_line_of_one_form
  ledger/chain::what_has_no_one_form_is_refused
32 SQL in what is asked for
  security/names::what_is_asked_for_is_a_value_and_no_statement
33 secrets through every door
  security/masking::of_every_kind_practically_all_are_known
  security/masking::an_ordinary_line_is_hardly_ever_taken_for_one
  security/secrets::a_tracked_cell_keeps_none
  security/secrets::a_job_keeps_none
  security/secrets::the_registry_and_the_ledger_keep_none
34 a secret that was split or encoded
  security/masking::what_is_known_not_to_be_caught
35 a text that keeps the masker busy
  security/masking::no_text_keeps_it_busy
36 other files, code, and many requests at the pages
  browser/dashboards::no_other_file_is_a_page
  browser/dashboards::a_visitor_runs_nothing_of_their_own_and_hears_nobody_elses_page
  browser/dashboards::the_list_of_pages_and_a_wrong_address
  dashboards/starting::only_so_many_pages_at_once_and_the_one_nobody_looks_at_gives_way
37 a page of somebody else
  browser/dashboards::a_visitor_runs_nothing_of_their_own_and_hears_nobody_elses_page
  browser/dashboards::the_figures_are_in_the_page_before_any_script_has_run_and_only_for_who_has_the_token
38 data without end
  security/files::what_is_nested_without_end_is_refused
  monitoring/bad_input::a_file_that_is_nothing_of_the_kind_is_refused
  serving/bodies::limits_of_size_and_time
39 requests that cannot be answered
  serving/endpoint::bad_requests_are_told
  serving/bodies::limits_of_size_and_time
  serving/doors::limits
40 a storm of alerts
  security/storm::hundreds_of_alerts_after_a_retraining_are_one_refusal
  security/storm::a_loop_of_failures_stops_until_a_person_looks
  security/storm::labels_from_a_broken_feed_are_not_learned_from
"""
ATTACKS = {int(part.split(maxsplit=1)[0]): re.findall(r"^  (\S+)", part, re.M) for part in re.split(r"\n(?=\d)", TOLD)}


def test_all_forty_are_there():
    assert list(ATTACKS) == list(range(1, 41))


@pytest.mark.parametrize("number", ATTACKS)
def test_each_is_thrown_by_a_test_that_exists(number: int):
    assert ATTACKS[number]
    for named in ATTACKS[number]:
        place, _, test = named.partition("::")
        folder, _, topic = place.partition("/")
        file = TESTS / folder / f"test_{folder}_{topic}.py"
        there = {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}
        assert f"test_{test}" in there, named
