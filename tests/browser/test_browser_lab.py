"""What a data scientist sees in JupyterLab."""

import json
import subprocess
import sys

import pytest
from pages import Lab, shot
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout


def _open(page: Page, lab: Lab, path: str = "") -> None:
    page.goto(f"{lab.url}/lab{path}?token={lab.token}&reset")
    page.wait_for_selector("#jupyterlab-splash", state="detached")


def _show(page: Page) -> None:
    page.wait_for_function("window.jupyterapp && window.jupyterapp.commands.hasCommand('mlops:show')")
    # The layout of the last time is restored late, and would put the file browser in front again.
    page.evaluate("window.jupyterapp.restored.then(() => window.jupyterapp.commands.execute('mlops:show'))")


def _sidebar(page: Page):
    _show(page)
    panel = page.locator("#jupyter-mlops-registry")
    expect(panel.get_by_role("heading", name="retail-recommender")).to_be_visible()
    return panel


def _run(page: Page, command: str, **args: object) -> None:
    page.evaluate("([c, a]) => window.jupyterapp.commands.execute(c, a).then(() => null)", [command, args])


def _dark(page: Page) -> None:
    _run(page, "apputils:change-theme", theme="JupyterLab Dark")
    page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")


def test_the_sidebar_lists_models_and_follows_changes_without_reload(page: Page, lab: Lab):
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    _open(page, lab)
    panel = _sidebar(page)
    store = panel.get_by_role("group", name="recommender").get_by_role("button", name="store-367").first
    expect(store).to_contain_text("champion v1")
    store.focus()
    page.keyboard.press("Enter")
    expect(panel.get_by_text("gates: pass").first).to_be_visible()
    expect(panel.get_by_role("heading", name="Last decisions")).to_be_visible()
    shot(page, "lab-light")
    code = (
        "import sys; from jupyter_mlops.project import find; from jupyter_mlops.store import database;"
        "database(find(sys.argv[1])).open_alert('recommender', 'store-367', 'drift', 'x', 'opened by a test', 'warning')"
    )
    subprocess.run([sys.executable, "-c", code, str(lab.root)], check=True, timeout=120)
    card = panel.locator(".jp-Mlops-card", has_text="opened by a test")
    expect(card).to_be_visible()
    card.get_by_role("button", name="Acknowledge").click()
    expect(card.get_by_role("button", name="Acknowledge")).not_to_be_visible()
    card.get_by_role("button", name="Resolve").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Resolve")).to_be_disabled()  # never without a reason
    dialog.get_by_role("textbox").fill("it was only a test")
    dialog.get_by_role("button", name="Resolve").click()
    expect(card).not_to_be_visible()
    panel.get_by_role("button", name="Open the run of version 1").first.click()
    expect(page.locator(".jp-MlopsRun").get_by_text("ndcg_at_10").first).to_be_visible()
    _dark(page)
    shot(page, "lab-dark")
    assert errors == []


def test_a_version_shows_its_evidence_and_where_it_comes_from(page: Page, lab: Lab):
    _open(page, lab)
    _sidebar(page)
    _run(page, "mlops:open-version", model="recommender.store-292", version=1)
    tabs = page.get_by_role("tablist", name="About version 1")
    expect(page.get_by_role("heading", name="Gates ·")).to_be_visible()
    shot(page, "lab-evidence")
    expect(page.locator(".jp-Mlops-curve").first).to_be_visible()
    page.get_by_label("Row of the evaluation rows, from 0").fill("3")
    page.get_by_role("button", name="Explain it").click()
    expect(page.get_by_role("table", name="Reasons of row 3")).to_be_visible()
    page.locator(".jp-Mlops-curves").scroll_into_view_if_needed()
    shot(page, "lab-reasons")
    tabs.get_by_role("tab", name="Evidence").focus()
    page.keyboard.press("End")  # the keyboard goes from tab to tab
    shown = page.get_by_role("tabpanel", name="Lineage")
    for kind in ("Data", "Notebook", "Tracked cell", "Version", "Evidence", "Decision"):
        expect(shown.get_by_text(kind, exact=True).first).to_be_visible()
    shot(page, "lab-lineage")
    tabs.get_by_role("tab", name="Approval").click()
    expect(page.get_by_text("No policy asks for approval of this version.")).to_be_visible()
    page.get_by_role("button", name="Roll back…").or_(page.get_by_role("button", name="Promote…")).first.focus()
    _dark(page)
    shot(page, "lab-approval-dark")


def test_a_notebook_becomes_a_form_and_a_job_that_is_followed(page: Page, lab: Lab):
    notebook = {"cell_type": "code", "execution_count": None, "outputs": []}
    cells = [
        {
            **notebook,
            "metadata": {"tags": ["parameters"]},
            "source": "rate: float = 0.1  # 0 < rate <= 1\ndeep = False",
        },
        {**notebook, "metadata": {}, "source": "print('the rate is', rate, deep)"},
        {**notebook, "metadata": {}, "source": "assert rate < 0.5, 'too fast'"},
    ]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    content = {"cells": cells, "metadata": spec, "nbformat": 4, "nbformat_minor": 4}
    (lab.root / "quick.ipynb").write_text(json.dumps(content))
    _open(page, lab, "/tree/quick.ipynb")
    panel = _sidebar(page)
    page.get_by_role("button", name="Run this notebook as a training job").click()
    form = page.get_by_role("form", name="Parameters")
    rate = form.get_by_label("rate", exact=True)
    rate.fill("7")
    expect(form.get_by_text("out of range", exact=False)).to_be_visible()
    expect(rate).to_have_attribute("aria-invalid", "true")
    shot(page, "lab-form")
    rate.fill("0.75")
    form.get_by_label("deep", exact=True).check()
    form.get_by_role("button", name="Start the job").click()
    executed = page.locator(".jp-Mlops-executed")
    expect(executed.get_by_text("the rate is 0.75 True")).to_be_visible(timeout=120_000)
    expect(executed.get_by_role("status")).to_contain_text("too fast")
    expect(executed.locator("[data-status='failed']")).to_contain_text("assert rate")
    expect(panel.get_by_role("button", name="Open cell 4 of quick")).to_be_visible()
    shot(page, "lab-job")


def test_the_launcher_opens_the_dashboards_and_a_search_finds_a_model(page: Page, lab: Lab):
    _open(page, lab)
    for title in ("Portfolio", "Monitoring", "Governance"):
        expect(page.locator(".jp-LauncherCard", has_text=title)).to_be_visible()
    panel = _sidebar(page)
    panel.get_by_label("Find a model").fill("292")
    models = panel.get_by_role("group", name="recommender")
    expect(models.get_by_text("store-292", exact=True)).to_be_visible()
    expect(models.get_by_text("store-367", exact=True)).not_to_be_visible()
    page.locator(".jp-LauncherCard", has_text="Portfolio").click()
    frame = page.frame_locator(".jp-MlopsPage iframe")
    expect(frame.get_by_role("heading", name="Portfolio")).to_be_visible()
    shot(page, "lab-dashboard")


@pytest.mark.timeout(900)  # on a busy machine a first replay takes minutes
def test_a_tracked_cell_shows_its_card_and_is_replayed_from_it(page: Page, lab: Lab):
    _open(page, lab, "/tree/notebooks/train.ipynb")
    page.wait_for_selector(".jp-Notebook")
    page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
    card = page.locator(".mlops-card")
    for _ in range(5):  # an idle indicator does not prove that the kernel takes requests yet
        page.wait_for_timeout(1500)
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        try:
            card.wait_for(timeout=25_000)
            break
        except PlaywrightTimeout:
            continue
    expect(card).to_be_visible()
    expect(card).to_contain_text("finished")
    expect(card).to_contain_text("ndcg_at_10")
    card.scroll_into_view_if_needed()
    shot(page, "lab-card")
    for label in ("Open run", "Compare", "Replay", "Register…", "Name it…"):
        expect(card.get_by_role("button", name=label)).to_be_visible()
    # At once, while the record is still on its way to MLflow; by the keyboard, as not everybody has a mouse.
    card.get_by_role("button", name="Replay").press("Enter")
    told = page.locator(".Toastify__toast")
    expect(told.filter(has_text="Running it again")).to_be_visible()
    expect(told.filter(has_text="eproduced: ").or_(told.filter(has_text="Fix: "))).to_be_visible(timeout=400_000)
    expect(told.filter(has_text="Reproduced: ")).to_be_visible()
    shot(page, "lab-replayed")
    card.get_by_role("button", name="Open run").click()
    expect(page.locator(".jp-MlopsRun").get_by_role("heading", name="Metrics")).to_be_visible()
    shot(page, "lab-run")


def test_a_broken_project_file_is_told_with_its_fix(page: Page, lab: Lab):
    file = lab.root / "mlops.yaml"
    before = file.read_text()
    try:
        file.write_text(before.replace("task: ranking", "tsak: ranking"))
        _open(page, lab)
        _show(page)
        panel = page.locator("#jupyter-mlops-registry")
        expect(panel.get_by_role("alert")).to_contain_text("did you mean 'task'?")
        shot(page, "lab-broken")
    finally:
        file.write_text(before)
    panel.get_by_role("button", name="Try again").click()
    expect(panel.get_by_role("heading", name="retail-recommender")).to_be_visible()


def test_the_rest_api_refuses_strangers_and_speaks_one_envelope(page: Page, lab: Lab):
    refused = page.request.get(f"{lab.url}/jupyter-mlops/models")
    assert refused.status == 403
    for path, status in [("models", 200), ("models/nope/versions", 404), ("runs/zzzz", 404), ("openapi.json", 200)]:
        answer = page.request.get(f"{lab.url}/jupyter-mlops/{path}", headers={"Authorization": f"token {lab.token}"})
        assert answer.status == status, path
        body = json.loads(answer.text())
        assert body.get("ok", True) == (status == 200)
        assert status == 200 or {"code", "message", "fix", "details"} == body["error"].keys()
