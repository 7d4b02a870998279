"""Claims files, verdict rules and results."""

import json

import pytest
import yaml
from conftest import ROOT

from fer_utils.book import execution, publishing
from fer_utils.book.parameters import ParameterError
from fer_utils.claims.schema import Claim, load_claims
from fer_utils.claims.verdicts import Verdict, judge
from fer_utils.results import provenance, store
from fer_utils.results.records import Measurement, Metric

PAPERS = sorted(path.stem for path in (ROOT / "book/claims").glob("*.yml"))
CLAIM = Claim(id="a", statement="accuracy", quantity="accuracy", value=70.0, unit="percent", where="Sec. 1", belongs_to="text")


def metric(low, high):
    return Metric(name="m", value=(low + high) / 2, low=low, high=high, n=100)


def verdict(**measured):
    return judge(CLAIM, Measurement(**measured)).verdict


@pytest.mark.parametrize("paper", PAPERS)
def test_every_claims_file_fits_the_schema(paper):
    assert load_claims(paper).paper.key == paper and len(load_claims(paper).claims) > 10


def test_all_five_papers_have_a_claims_file():
    assert len(PAPERS) == 5


def test_the_schema_page_names_every_field():
    page = (ROOT / "book/claims.md").read_text()
    assert [name for name in Claim.model_fields if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "furlongs"}, "claims.0.unit"),
        ({"id": "Bad Id"}, "claims.0.id"),
        ({"quantity": "confusion_matrix", "value": [[1, 2]], "labels": ["x", "y"]}, "1 rows for 2 labels"),
        ({"surprise": 1}, "claims.0.surprise"),
    ],
)
def test_a_bad_claim_is_named_with_its_file_and_field(tmp_path, change, message):
    content = {"paper": {"key": "p", "title": "t", "authors": "a"}, "claims": [CLAIM.model_dump(mode="json") | change]}
    (tmp_path / "p.yml").write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match=message):
        load_claims(tmp_path / "p.yml")


def test_verdicts_follow_the_rules_in_their_order():
    assert verdict(sound=metric(69, 71)) == Verdict.REPRODUCED
    assert verdict(sound=metric(60, 65)) == Verdict.NOT_REPRODUCED
    assert verdict(sound=metric(60, 65), flawed=metric(69, 75)) == Verdict.PROTOCOL_ARTEFACT
    assert verdict(sound=metric(69, 71), lacking="data") == Verdict.NOT_POSSIBLE


def test_an_exact_number_is_reproduced_only_when_equal():
    exact = Metric(name="parameters", value=70.0, unit="parameters")
    assert verdict(sound=exact) == Verdict.REPRODUCED
    assert verdict(sound=exact, printed=71.0) == Verdict.NOT_REPRODUCED


def test_an_unknown_claim_is_answered_with_the_known_ones():
    with pytest.raises(KeyError, match="headline_accuracy"):
        load_claims("fer2013_cnn")["headline"]


def test_the_published_result_is_on_the_published_images_and_holds_its_histories():
    published = store.published_result("fer2013_cnn")
    assert published.dataset.official and published.dataset.real and published.profile == "full"
    assert all(len(r.history["loss"]) == r.recipe["epochs"] for r in published.trainings)
    assert published.metric("test").n == 3589 and published.confusion("merged_test").array().sum() == 7178
    with pytest.raises(KeyError, match="there are test"):
        published.metric("speed")


def test_the_shuffled_score_of_the_published_network_lies_at_chance():
    row = next(r for r in store.published_result("fer2013_cnn").tables["chance"] if r["matrix"] == "ours, shuffled")
    assert abs(row["z"]) < 3 and row["p_value"] > 0.001


def test_a_result_is_written_whole_or_not_at_all(tmp_path):
    published = store.published_result("fer2013_cnn")
    store.write_result(published, tmp_path / "r.json")
    assert store.read_result(tmp_path / "r.json") == published
    broken = published.model_copy(update={"wall_time_s": float("nan")})
    with pytest.raises(ValueError):
        store.write_result(broken, tmp_path / "r.json")
    assert store.read_result(tmp_path / "r.json") == published and len(list(tmp_path.iterdir())) == 1


def test_any_change_of_the_package_changes_the_fingerprint_and_no_change_keeps_it(tmp_path, monkeypatch):
    package = tmp_path / "fer_utils"
    package.mkdir()
    (package / "one.py").write_text("ONE = 1\n")
    monkeypatch.setattr(provenance, "PACKAGE", package)
    before = provenance.code_fingerprint("fer2013_cnn")
    assert before == provenance.code_fingerprint("fer2013_cnn") != provenance.code_fingerprint("methodology")
    (package / "one.py").write_text("ONE = 2\n")
    assert before != provenance.code_fingerprint("fer2013_cnn")


def test_a_damaged_result_is_named_with_its_field(tmp_path):
    (tmp_path / "r.json").write_text(json.dumps({"chapter": 3}))
    with pytest.raises(ValueError, match=r"r\.json: chapter"):
        store.read_result(tmp_path / "r.json")


@pytest.mark.parametrize(
    ("parameters", "said"), [({"epochs": 1}, "epochs differ from the profile full"), (None, "no finished full")]
)
def test_only_a_run_at_full_scale_is_published(tmp_path, monkeypatch, parameters, said):
    monkeypatch.setattr(execution, "BUILD", tmp_path)
    if parameters:
        small = store.published_result("fer2013_cnn").model_copy(update={"parameters": parameters})
        store.write_result(small, tmp_path / "runs/full/fer2013_cnn/result.json")
        kept = {"metadata": {"papermill": {"exception": False}}}
        (tmp_path / "runs/full/fer2013_cnn/notebook.ipynb").write_text(json.dumps(kept))
    with pytest.raises(ParameterError, match=said):
        publishing.publish("fer2013_cnn")
