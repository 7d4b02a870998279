"""The ledger: one verdict with its reason for every claim, by rules in their order, and the files that hold it."""

import csv
import io
import json

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from fer_utils.book import cli, execution, pages, site
from fer_utils.claims import ledger
from fer_utils.claims.audit.checks import audit_claims, contradicted_partners
from fer_utils.claims.audit.findings import Outcome
from fer_utils.claims.schema import load_claims, papers
from fer_utils.claims.verdicts import Verdict, judge, verdict_rows, with_the_rest
from fer_utils.figures import scoreboard
from fer_utils.results import store
from fer_utils.results.records import Metric

PAPER = load_claims("fer2013_cnn")
FOUND = audit_claims(PAPER)
MEASURED = Metric(name="test", value=64.0, low=62.0, high=66.0, n=3589, scored_on="PrivateTest")


@pytest.fixture(scope="module")
def published():
    """The published result of FER2013, without verdicts."""
    return store.published_result("fer2013_cnn").model_copy(update={"verdicts": {}, "tables": {}, "metrics": [MEASURED]})


def result_of(base, judged, **changes):
    """A result that holds these judgements, and the rest of the paper as not testable."""
    judgements = with_the_rest(PAPER, judged)
    verdicts = {one.claim.id: one.verdict.value for one in judgements}
    return base.model_copy(update={"verdicts": verdicts, "tables": {"verdicts": verdict_rows(judgements)}} | changes)


def row(claim, published=None, run=None, found=()):
    return next(one for one in ledger.rows_of(PAPER, found, published, run) if one.claim == claim)


def judged(claim, low, high, **options):
    return judge(PAPER[claim], sound=MEASURED.model_copy(update={"low": low, "high": high, "value": (low + high) / 2}), **options)


# every claim


@pytest.fixture(scope="module")
def every_row(tmp_path_factory):
    """The ledger of the book where no chapter has been run."""
    return ledger.ledger(tmp_path_factory.mktemp("runs"))


def without_verdict(rows):
    """Claims of the book that have no row, or more than one, or one without a verdict and its reason."""
    named = [(one.paper, one.claim) for one in rows if one.verdict in Verdict and one.reason.strip() and one.decided_by]
    return [(paper, claim.id) for paper in papers() for claim in load_claims(paper).claims if named.count((paper, claim.id)) != 1]


def test_every_claim_of_the_book_has_one_verdict_and_a_reason(every_row):
    assert without_verdict(every_row) == []
    assert len(every_row) == sum(len(load_claims(paper).claims) for paper in papers())


def test_a_claim_without_a_verdict_would_be_noticed(every_row):
    silent = every_row[3].model_copy(update={"reason": " "})
    assert without_verdict([*every_row[:3], silent, *every_row[4:]]) == [(silent.paper, silent.claim)]
    assert without_verdict(every_row[1:]) == [(every_row[0].paper, every_row[0].claim)]


def test_a_claim_that_is_added_to_a_paper_has_a_row_without_further_work():
    extra = PAPER["headline_accuracy"].model_copy(update={"id": "new_accuracy", "links": ()})
    longer = PAPER.model_copy(update={"claims": (*PAPER.claims, extra)})
    last = ledger.rows_of(longer, (), None, None)[-1]
    assert (last.claim, last.verdict, last.reason) == (
        "new_accuracy",
        Verdict.NOT_POSSIBLE,
        "the chapter has not been run in this build",
    )


def test_no_verdict_on_a_measurement_rests_on_rendered_faces(every_row):
    assert not [
        one
        for one in every_row
        if one.faces == ledger.RENDERED and one.verdict not in (Verdict.NOT_POSSIBLE, Verdict.INCONSISTENT)
    ]


# the rules, in their order


def test_an_impossible_claim_is_inconsistent_whatever_was_measured(published):
    one = row("headline_accuracy", result_of(published, [judged("headline_accuracy", 88, 89)]), found=FOUND)
    assert (one.verdict, one.decided_by, one.chapter_verdict) == (Verdict.INCONSISTENT, "claims_audit", "reproduced")
    assert "1,253 of 7,178" in one.reason and (one.low, one.high) == (88, 89)


def test_the_published_verdict_comes_before_that_of_this_build(published):
    run = result_of(published, [judged("early_test_accuracy", 0, 100)], profile="default")
    one = row("early_test_accuracy", result_of(published, [judged("early_test_accuracy", 62, 66)]), run, found=FOUND)
    assert (one.verdict, one.decided_by) == (Verdict.NOT_REPRODUCED, "published full run")


def test_what_the_published_run_could_not_test_is_decided_by_this_build(published):
    run = result_of(published, [judged("early_test_accuracy", 0, 100)], profile="default")
    one = row("early_test_accuracy", result_of(published, []), run, found=FOUND)
    assert (one.verdict, one.decided_by) == (Verdict.REPRODUCED, "default run")


def test_a_measurement_comes_before_the_contradiction_of_another_claim(published):
    assert "confusion_test" in contradicted_partners(FOUND)
    alone = row("confusion_test", found=FOUND)
    assert (alone.verdict, alone.decided_by) == (Verdict.INCONSISTENT, "claims_audit") and "headline_accuracy" in alone.reason
    measured = row("confusion_test", result_of(published, [judged("confusion_test", 60, 64, printed=17.5)]), found=FOUND)
    assert (measured.verdict, measured.chapter_verdict) == (Verdict.NOT_REPRODUCED, "")


def test_a_claim_that_nothing_tests_has_the_reason_of_the_run(published):
    run = result_of(published, [judged("early_test_accuracy", 60, 70, same_data=False)], profile="default")
    one = row("early_test_accuracy", run=run)
    assert (one.verdict, one.reason) == (Verdict.NOT_POSSIBLE, "this run did not use the claim's dataset")


def test_a_chapter_that_has_not_been_run_is_said_to_be_so():
    assert row("early_test_accuracy").decided_by == "no run" and "has not been run" in row("early_test_accuracy").reason
    assert row("batch_size").reason.startswith("a setting")


def test_an_older_result_without_reasons_takes_that_of_a_run_with_the_same_verdict(published):
    older = published.model_copy(update={"verdicts": {"early_test_accuracy": "not reproduced"}})
    assert row("early_test_accuracy", older).reason == ledger.KEPT_NO_REASON
    one = row("early_test_accuracy", older, result_of(published, [judged("early_test_accuracy", 62, 66)], profile="default"))
    assert one.reason.endswith("lies outside [62.00, 66.00]") and one.decided_by == "published full run"


# where a number comes from


def test_a_measurement_is_said_to_be_of_the_result_that_has_it(published):
    shown_again = result_of(published, [judge(PAPER["early_test_accuracy"], sound=MEASURED)], profile="default", metrics=[])
    one = row("early_test_accuracy", published, shown_again)
    assert (one.profile, one.faces, one.dataset, one.n) == ("full", ledger.REAL, "fer2013", 3589)
    assert one.selected_on == published.selected_on and one.seeds == "0 1 2"


def test_a_measurement_on_rendered_faces_is_called_so(published):
    on_rendered = MEASURED.model_copy(update={"scored_on": "rendered test"})
    unlike = judge(PAPER["early_test_accuracy"], sound=on_rendered, same_data=False)
    one = row("early_test_accuracy", run=result_of(published, [unlike], metrics=[on_rendered]))
    assert (one.faces, one.dataset, one.ours, one.verdict) == (ledger.RENDERED, "rendered_faces", 64.0, Verdict.NOT_POSSIBLE)


def test_a_measurement_on_unpublished_images_is_called_so(published):
    unlike = judge(PAPER["early_test_accuracy"], sound=MEASURED, same_data=False)
    one = row("early_test_accuracy", run=result_of(published, [unlike], profile="default"))
    assert (one.faces, one.verdict, one.decided_by) == (ledger.OTHER, Verdict.NOT_POSSIBLE, "default run")


def test_a_claim_that_came_after_the_run_is_said_to_be_so(published):
    assert row("early_test_accuracy", run=published).reason == "this build's run does not judge it"


def test_a_number_computed_from_the_network_needs_no_images(published):
    exact = Metric(name="parameters", value=float(PAPER["total_parameters"].value), unit="parameters")
    one = row("total_parameters", result_of(published, [judge(PAPER["total_parameters"], sound=exact)]))
    assert (one.verdict, one.faces, one.dataset, one.selected_on) == (Verdict.REPRODUCED, ledger.NO_IMAGES, "", "")


def test_a_result_in_another_chapters_folder_is_refused(published, tmp_path):
    store.write_result(published, tmp_path / "bp4d_vgg16_holdout" / "result.json")
    with pytest.raises(ValueError, match=r"result.json is a result of 'fer2013_cnn', not of 'bp4d_vgg16_holdout'"):
        ledger.ledger(tmp_path, ["bp4d_vgg16_holdout"])


# files


def test_the_csv_gives_back_every_row_and_its_numbers(every_row):
    awkward = every_row[0].model_copy(update={"reason": 'a, "b"; c', "ours": 0.1 + 0.2, "n": 3})
    rows = [awkward, *every_row[1:]]
    text = ledger.as_csv(rows)
    back = list(csv.DictReader(io.StringIO(text)))
    assert len(back) == len(rows) == text.count("\n") - 1
    assert [one["reason"] for one in back] == [one.reason for one in rows]
    assert (float(back[0]["ours"]), back[0]["n"]) == (0.1 + 0.2, "3")
    assert "88.29 %" in {one["printed"] for one in back}


def test_the_json_gives_back_every_row(every_row):
    assert [ledger.Row.model_validate(one) for one in json.loads(ledger.as_json(every_row))] == every_row


def test_the_counts_are_those_of_the_rows(every_row):
    counts = ledger.verdict_counts(every_row)
    assert counts.to_numpy().sum() == len(every_row) and list(counts.columns) == [verdict.value for verdict in Verdict]


def test_the_figures_and_the_table_show_what_there_is(published):
    titles = {"fer2013_cnn": "FER2013"}
    run = result_of(published, [judged("early_test_accuracy", 62, 66), judge(PAPER["human_accuracy"])])
    rows = ledger.rows_of(PAPER, FOUND, run, None)
    labels = [label.get_text() for label in scoreboard.accuracies(rows, titles).axes[0].get_yticklabels()]
    assert labels == ["early test accuracy"]
    page = scoreboard.ledger_html(rows).data
    assert page.count("<tr>") == len(rows) + 2 and "fer2013_cnn.html#reported-against-reproduced" in page
    assert scoreboard.as_svg(scoreboard.accuracies(rows, titles)) == scoreboard.as_svg(scoreboard.accuracies(rows, titles))


def test_the_figures_can_be_drawn_where_nothing_was_measured():
    rows, titles = ledger.rows_of(PAPER, FOUND, None, None), {"fer2013_cnn": "FER2013"}
    assert [axes.get_title(loc="left") for axes in scoreboard.accuracies(rows, titles).axes] == ["FER2013"]
    assert len(scoreboard.ratios(rows, titles).axes) == 1


# the command, and the build


def command(*arguments):
    return CliRunner().invoke(cli.app, ["ledger", *arguments])


def test_the_command_prints_and_writes_what_the_module_makes(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "BUILD", tmp_path)
    printed = command("fer2013_cnn", "--csv")
    assert printed.exit_code == 0 and len(list(csv.DictReader(io.StringIO(printed.output)))) == len(PAPER.claims)
    assert command("fer2013_cnn", "--out", str(tmp_path / "l.json")).exit_code == 0
    assert {one["claim"] for one in json.loads((tmp_path / "l.json").read_text())} == {claim.id for claim in PAPER.claims}
    assert "not possible here" in command("fer2013_cnn").output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fer"], "no paper 'fer'"),
        (["--json", "--csv"], "give --json or --csv"),
        (["--out", "ledger.xlsx"], "ends in .json or .csv"),
    ],
)
def test_the_command_refuses_what_it_does_not_know(arguments, message):
    ended = command(*arguments)
    assert ended.exit_code == 2 and message in ended.output


def test_a_new_result_of_another_chapter_makes_the_scoreboard_run_again(tmp_path, monkeypatch, published):
    monkeypatch.setattr(execution, "BUILD", tmp_path)
    before = {chapter: execution.plan(chapter, "ci").fingerprint for chapter in ("scoreboard", "claims_audit")}
    store.write_result(published, tmp_path / "runs/ci/fer2013_cnn/result.json")
    after = {chapter: execution.plan(chapter, "ci").fingerprint for chapter in before}
    assert before["scoreboard"] != after["scoreboard"] and before["claims_audit"] == after["claims_audit"]


@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_scoreboard_runs_after_the_others_and_is_planned_again(monkeypatch, workers):
    steps = []
    monkeypatch.setattr(
        execution, "plan", lambda chapter, *_: steps.append(f"plan {chapter}") or execution.Run(chapter, "ci", {}, "", "", ROOT)
    )
    monkeypatch.setattr(execution, "is_current", lambda run: False)
    monkeypatch.setattr(execution, "execute", lambda run, **_: steps.append(f"run {run.chapter}"))
    monkeypatch.setattr(execution, "execute_at_once", lambda runs, **_: steps.extend(f"run {run.chapter}" for run in runs) or [])
    ended = CliRunner().invoke(cli.app, ["run", "scoreboard", "claims_audit", "--workers", workers])
    assert ended.exit_code == 0
    assert steps == ["plan scoreboard", "plan claims_audit", "run claims_audit", "plan scoreboard", "run scoreboard"]


def test_the_site_holds_the_ledger_where_the_scoreboard_has_been_run(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "BUILD", tmp_path)
    assert "has not been run" in pages.scoreboard_summary(execution.BUILD / "runs/ci")
    site.lay_out("ci", tmp_path / "site")
    assert not (tmp_path / "site/book/static/ledger.csv").exists()
    assert "<!-- scoreboard -->" not in (tmp_path / "site/book/index.md").read_text()


def test_the_landing_page_takes_its_numbers_from_the_audit():
    assert pages.filled("[[fer2013_cnn.audit.confusion_test.agreement_with_chance.right:,]]") == "1,253"
    with pytest.raises(KeyError, match="no number 'wrong'"):
        pages.filled("[[fer2013_cnn.audit.confusion_test.agreement_with_chance.wrong]]")


def test_every_outcome_of_the_audit_that_is_impossible_is_a_verdict(every_row):
    inconsistent = {one.claim for one in every_row if one.paper == "fer2013_cnn" and one.verdict == Verdict.INCONSISTENT}
    assert {one.claim for one in FOUND if one.outcome == Outcome.IMPOSSIBLE} <= inconsistent
