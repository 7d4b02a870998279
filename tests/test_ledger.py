"""One path for a verdict: all claims of a paper judged by rules in their order, and the files that hold the ledger."""

import csv
import dataclasses
import io
import json
from dataclasses import replace

import pytest
from conftest import ROOT
from typer.testing import CliRunner

from fer_utils.book import cli, execution, pages, site
from fer_utils.claims import ledger, verdicts
from fer_utils.claims.audit.checks import audit_claims
from fer_utils.claims.audit.findings import Grade, Outcome, contradicted_partners
from fer_utils.claims.schema import load_claims, papers
from fer_utils.claims.verdicts import Verdict, judge_all
from fer_utils.figures import scoreboard, tables
from fer_utils.results import store
from fer_utils.results.records import Measurement, Metric

PAPER = load_claims("fer2013_cnn")
FOUND = audit_claims(PAPER)
CONTRADICTED = [  # as if the matrix, which is at chance, told something of the accuracy
    dataclasses.replace(one, outcome=Outcome.IMPOSSIBLE, grade=Grade.SUBSTANTIVE)
    if (one.claim, one.check) == ("headline_accuracy", "accuracy of its matrix")
    else one
    for one in FOUND
]
MEASURED = Metric(name="test", value=64.0, low=62.0, high=66.0, n=3589, scored_on="PrivateTest")
TITLES = {"fer2013_cnn": "FER2013"}


@pytest.fixture(scope="module")
def published():
    """The published result of FER2013, without measurements."""
    return store.published_result("fer2013_cnn").model_copy(update={"measurements": {}, "tables": {}, "metrics": [MEASURED]})


def result_of(base, measurements, **changes):
    """A result that holds these measurements."""
    return base.model_copy(update={"measurements": measurements} | changes)


def verdicts_from(published=None, run=None, found=()):
    """The paper judged from its findings, its published result and a run of this build."""
    named = {"published full run": published, f"{run.profile} run" if run else "": run}
    return judge_all(PAPER, found, {name: result for name, result in named.items() if result is not None})


def judged(claim, published=None, run=None, found=()):
    return verdicts_from(published, run, found)[claim]


def measured(low, high, **options):
    return Measurement(sound=MEASURED.model_copy(update={"low": low, "high": high, "value": (low + high) / 2}), **options)


# every claim


@pytest.fixture(scope="module")
def every(tmp_path_factory):
    """The verdicts of the book where no chapter has been run."""
    return ledger.all_verdicts(tmp_path_factory.mktemp("runs"))


def without_verdict(every):
    """Claims of the book that are not judged, or more than once, or have a verdict without its reason."""
    named = [(of.paper.paper.key, one.claim.id) for of in every for one in of.judgements if one.reason.strip() and one.decided_by]
    return [(paper, claim.id) for paper in papers() for claim in load_claims(paper).claims if named.count((paper, claim.id)) != 1]


def test_every_claim_of_the_book_has_one_verdict_and_a_reason(every):
    assert without_verdict(every) == []
    assert sum(len(of.judgements) for of in every) == sum(len(load_claims(paper).claims) for paper in papers())


def test_a_claim_without_a_verdict_would_be_noticed(every):
    first, *others = every
    silent = replace(first, judgements=(replace(first.judgements[0], reason=" "), *first.judgements[1:]))
    left_out = [(first.paper.paper.key, first.judgements[0].claim.id)]
    assert without_verdict([silent, *others]) == left_out
    assert without_verdict([replace(first, judgements=first.judgements[1:]), *others]) == left_out


def test_a_claim_that_is_added_to_a_paper_has_a_verdict_without_further_work():
    extra = PAPER["headline_accuracy"].model_copy(update={"id": "new_accuracy", "links": ()})
    last = judge_all(PAPER.model_copy(update={"claims": (*PAPER.claims, extra)}), (), {}).judgements[-1]
    assert (last.claim.id, last.verdict, last.reason) == (
        "new_accuracy",
        Verdict.NOT_POSSIBLE,
        "the chapter has not been run in this build",
    )


def test_no_verdict_on_a_measurement_rests_on_rendered_faces(every):
    assert not [
        one
        for of in every
        for one in of.judgements
        if one.faces == verdicts.RENDERED and one.verdict not in (Verdict.NOT_POSSIBLE, Verdict.INCONSISTENT)
    ]


def test_the_main_claim_of_a_paper_is_the_one_that_its_file_names_else_its_first():
    assert PAPER.main.id == "headline_accuracy" and verdicts_from().main.claim == PAPER.main
    unnamed = PAPER.model_copy(update={"paper": PAPER.paper.model_copy(update={"main_claim": None})})
    assert unnamed.main == PAPER.claims[0]


# the rules, in their order


def test_an_impossible_claim_is_inconsistent_whatever_was_measured(published):
    assert judged("headline_accuracy", found=FOUND).verdict is not Verdict.INCONSISTENT
    one = judged("headline_accuracy", result_of(published, {"headline_accuracy": measured(88, 89)}), found=CONTRADICTED)
    assert (one.verdict, one.decided_by) == (Verdict.INCONSISTENT, "claims_audit")
    assert "1,253 of 7,178" in one.reason and (one.measured.low, one.measured.high) == (88, 89)


def test_the_published_verdict_comes_before_that_of_this_build(published):
    run = result_of(published, {"early_test_accuracy": measured(0, 100)}, profile="default")
    one = judged("early_test_accuracy", result_of(published, {"early_test_accuracy": measured(62, 66)}), run, FOUND)
    assert (one.verdict, one.decided_by) == (Verdict.NOT_REPRODUCED, "published full run")


def test_what_the_published_run_could_not_test_is_decided_by_this_build(published):
    run = result_of(published, {"early_test_accuracy": measured(0, 100)}, profile="default")
    one = judged("early_test_accuracy", published, run, FOUND)
    assert (one.verdict, one.decided_by) == (Verdict.REPRODUCED, "default run")


def test_a_full_run_on_the_published_images_stands_in_for_the_published_one(published):
    newer = result_of(published, {"early_test_accuracy": measured(0, 100)})
    assert ledger.verdicts_of("fer2013_cnn", newer)["early_test_accuracy"].verdict is Verdict.REPRODUCED
    short = newer.model_copy(update={"profile": "default"})
    assert ledger.verdicts_of("fer2013_cnn", short)["early_test_accuracy"].decided_by == "published full run"


def test_a_measurement_comes_before_the_contradiction_of_another_claim(published):
    assert "confusion_test" in contradicted_partners(CONTRADICTED)
    alone = judged("confusion_test", found=CONTRADICTED)
    assert (alone.verdict, alone.decided_by) == (Verdict.INCONSISTENT, "claims_audit") and "headline_accuracy" in alone.reason
    one = judged("confusion_test", result_of(published, {"confusion_test": measured(60, 64, printed=17.5)}), found=CONTRADICTED)
    assert (one.verdict, one.decided_by) == (Verdict.NOT_REPRODUCED, "published full run")


def test_a_measurement_on_other_data_does_not_lift_a_contradiction(published):
    on_other = result_of(published, {"confusion_test": measured(10, 20, printed=17.5, lacking="data")})
    assert judged("confusion_test", on_other, found=CONTRADICTED).verdict is Verdict.INCONSISTENT


def test_a_claim_that_nothing_tests_has_the_reason_of_the_run(published):
    run = result_of(published, {"early_test_accuracy": measured(60, 70, lacking="data")}, profile="default")
    one = judged("early_test_accuracy", run=run)
    assert (one.verdict, one.reason, one.lacking) == (Verdict.NOT_POSSIBLE, "this run did not use the claim's dataset", "data")


def test_of_two_runs_that_could_not_test_a_claim_the_one_on_its_data_is_shown(published):
    from_scratch = measured(50, 54, lacking="weights")
    on_its_data = result_of(published, {"early_test_accuracy": from_scratch}, metrics=[from_scratch.sound])
    rendered = result_of(published, {"early_test_accuracy": measured(10, 20, lacking="data")}, profile="default")
    one = judged("early_test_accuracy", on_its_data, rendered)
    assert (one.verdict, one.lacking, one.shown.low, one.faces) == (Verdict.NOT_POSSIBLE, "weights", 50, verdicts.REAL)


def test_a_chapter_that_has_not_been_run_is_said_to_be_so():
    one = judged("early_test_accuracy")
    assert one.decided_by == "no run" and "has not been run" in one.reason
    assert judged("batch_size").reason.startswith("a setting")


def test_a_measurement_for_what_is_no_claim_is_refused(published):
    with pytest.raises(ValueError, match="'early_accuracy', which is no claim of fer2013_cnn"):
        verdicts_from(result_of(published, {"early_accuracy": measured(62, 66)}))


# where a number comes from


def row(claim, **runs):
    return ledger.row("fer2013_cnn", judged(claim, **runs))


def test_a_measurement_has_the_facts_of_the_run_that_made_it(published):
    one = row("early_test_accuracy", published=result_of(published, {"early_test_accuracy": Measurement(sound=MEASURED)}))
    assert (one["profile"], one["faces"], one["dataset"], one["n"]) == ("full", verdicts.REAL, "fer2013", 3589)
    assert one["selected_on"] == published.selected_on and one["seeds"] == "0 1 2"


def test_a_measurement_on_rendered_faces_is_called_so(published):
    on_rendered = MEASURED.model_copy(update={"scored_on": "rendered test"})
    unlike = {"early_test_accuracy": Measurement(sound=on_rendered, lacking="data")}
    one = row("early_test_accuracy", run=result_of(published, unlike, metrics=[on_rendered]))
    assert (one["faces"], one["dataset"], one["ours"]) == (verdicts.RENDERED, "rendered_faces", 64.0)
    assert one["verdict"] == Verdict.NOT_POSSIBLE and one["lacking"] == "data"


def test_a_measurement_on_unpublished_images_is_called_so(published):
    unlike = {"early_test_accuracy": Measurement(sound=MEASURED, lacking="data")}
    one = row("early_test_accuracy", run=result_of(published, unlike, profile="default"))
    assert (one["faces"], one["verdict"], one["decided_by"]) == (verdicts.OTHER, Verdict.NOT_POSSIBLE, "default run")


def test_a_claim_that_the_run_did_not_measure_is_said_to_be_so(published):
    assert row("early_test_accuracy", run=published)["reason"] == "nothing comparable was measured"


def test_a_number_computed_from_the_network_needs_no_images(published):
    exact = Metric(name="parameters", value=float(PAPER["total_parameters"].value), unit="parameters")
    one = row("total_parameters", published=result_of(published, {"total_parameters": Measurement(sound=exact)}))
    assert (one["verdict"], one["faces"], one["dataset"], one["selected_on"]) == ("reproduced", verdicts.NO_IMAGES, "", "")


def test_a_result_in_another_chapters_folder_is_refused(published, tmp_path):
    store.write_result(published, tmp_path / "bp4d_vgg16_holdout" / "result.json")
    with pytest.raises(ValueError, match=r"result.json is a result of 'fer2013_cnn', not of 'bp4d_vgg16_holdout'"):
        ledger.all_verdicts(tmp_path, ["bp4d_vgg16_holdout"])


# files


def test_the_csv_gives_back_every_row_and_its_numbers(every):
    awkward = Metric(name="m", value=0.1 + 0.2, n=3)
    first = replace(every[0].judgements[0], reason='a, "b"; c', elsewhere=awkward)
    changed = [replace(every[0], judgements=(first, *every[0].judgements[1:])), *every[1:]]
    text, rows = ledger.as_csv(changed), ledger.ledger_rows(changed)
    back = list(csv.DictReader(io.StringIO(text)))
    assert len(back) == len(rows) == text.count("\n") - 1
    assert [one["reason"] for one in back] == [one["reason"] for one in rows]
    assert (float(back[0]["ours"]), back[0]["n"]) == (0.1 + 0.2, "3")
    assert "88.29 %" in {one["printed"] for one in back}


def test_the_json_gives_back_every_row(every):
    assert json.loads(ledger.as_json(every)) == ledger.ledger_rows(every)


def test_the_counts_are_those_of_the_rows(every):
    counts, rows = ledger.verdict_counts(every), ledger.ledger_rows(every)
    assert counts.to_numpy().sum() == len(rows) and list(counts.columns) == [verdict.value for verdict in Verdict]
    assert counts["inconsistent"].sum() == sum(one["verdict"] == "inconsistent" for one in rows)


def test_the_figures_and_the_table_show_what_there_is(published):
    run = result_of(published, {"early_test_accuracy": measured(62, 66)})
    found = verdicts_from(run, found=FOUND)
    labels = [label.get_text() for label in scoreboard.accuracies([found], TITLES).axes[0].get_yticklabels()]
    assert labels == ["early test accuracy"]
    page = tables.verdict_html(found).data
    assert page.count("<tr>") == len(PAPER.claims) + 2 and "fer2013_cnn.html#reported-against-reproduced" in page
    assert scoreboard.as_svg(scoreboard.accuracies([found], TITLES)) == scoreboard.as_svg(scoreboard.accuracies([found], TITLES))


def test_the_figures_can_be_drawn_where_nothing_was_measured():
    found = [verdicts_from(found=FOUND)]
    assert [axes.get_title(loc="left") for axes in scoreboard.accuracies(found, TITLES).axes] == ["FER2013"]
    assert len(scoreboard.ratios(found, TITLES).axes) == 1


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
    assert "has not been run" in pages.scoreboard_summary(pages.ledger_of(execution.BUILD / "runs/ci"))
    site.lay_out("ci", tmp_path / "site")
    assert not (tmp_path / "site/book/static/ledger.csv").exists()
    assert "<!-- scoreboard -->" not in (tmp_path / "site/book/index.md").read_text()


def test_the_landing_page_takes_its_numbers_from_the_audit():
    assert pages.filled("[[fer2013_cnn.audit.confusion_test.agreement_with_chance.right:,]]") == "1,253"
    with pytest.raises(KeyError, match="no number 'wrong'"):
        pages.filled("[[fer2013_cnn.audit.confusion_test.agreement_with_chance.wrong]]")


def test_every_substantive_impossibility_is_a_verdict_and_no_misprint_is():
    inconsistent = {one.claim.id for one in verdicts_from(found=FOUND).judgements if one.verdict is Verdict.INCONSISTENT}
    impossible = [one for one in FOUND if one.outcome == Outcome.IMPOSSIBLE]
    assert {one.claim for one in impossible if one.grade == Grade.SUBSTANTIVE} == inconsistent
    assert "total_images" in {one.claim for one in impossible if one.grade == Grade.MISPRINT}
