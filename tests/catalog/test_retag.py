"""Re-tagging says what a fresh analysis would say, and stops, goes on and shares its sounds without harm."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import JSONField, Value
from django.db.models.functions import Now

from analysis.calibration import Calibration, save_calibration
from catalog import actions, engine, retag, store, tasks
from catalog.effective import EFFECTIVE_COLUMNS, refresh_sound
from catalog.models import Analysis, Embedding, Library, Retagging, Run, Sound
from tests.catalog.conftest import MakeFile, analyze_now, forget_engine, scan_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard(library: Library, make_file: MakeFile) -> Library:
    """Three sounds, of one window, of several, and of a rate that does not divide that of the model."""
    make_file("a.wav", duration_s=0.5)
    make_file("b.wav", duration_s=3.3)
    make_file("c.wav", duration_s=4.7, rate=44_100)
    scan_now(library)
    analyze_now()
    return library


def record_of(name: str) -> dict[str, Any]:
    analysis = Sound.objects.select_related("current_analysis").get(path=name).current_analysis
    assert analysis is not None
    record: dict[str, Any] = analysis.record
    return record


def retag_now(profile: str, sounds: Any = None) -> Run:
    chosen = Sound.objects.all() if sounds is None else sounds
    run = retag.create_run(retag.plan({profile: chosen}), profile=profile)
    if claimed := retag.claim_run(run.pk, "test/1"):
        retag.work_off(claimed)
    run.refresh_from_db()
    return run


def calibration_of(profile: str, temperature: float) -> Calibration:
    source = engine.profile_source(profile)
    return Calibration(
        method="temperature",
        temperature=temperature,
        model_id=source.key.model_id,
        model_revision=source.key.revision,
        vocabulary_sha256=engine.vocabulary().sha256,
        template=source.template,
        top_k_categories=engine.profiles().get(profile).top_k_categories,
        data_fingerprint="",
        n_sounds=100,
        error_before=0.2,
        error_after=0.1,
    )


@pytest.fixture
def other_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The vocabulary in use, with one more synonym."""
    kept = settings.VOCABULARY_PATH
    text = kept.read_text().replace("synonyms: [", "synonyms: [another word, ", 1)
    (tmp_path / "vocabulary.yaml").write_text(text)
    (tmp_path / "ucs.csv").write_text(kept.with_name("ucs.csv").read_text())
    monkeypatch.setattr(settings, "VOCABULARY_PATH", tmp_path / "vocabulary.yaml")
    forget_engine()
    yield
    monkeypatch.undo()
    forget_engine()


@pytest.mark.parametrize("profile", ["broad_search", "clip_only"])
def test_it_says_what_a_fresh_analysis_says_and_reads_no_audio(heard: Library, root: Path, profile: str) -> None:
    aside = root.rename(root.with_name("aside"))
    assert retag_now(profile).done == 3
    aside.rename(root)
    for sound in Sound.objects.all():
        said = record_of(sound.path)
        fresh = engine.new_analyzer().analyze(sound.absolute_path, profile).record.model_dump(mode="json")
        for record in (said, fresh):
            record["analysis_provenance"].pop("elapsed_s")
        assert said == fresh


def test_columns_are_those_of_the_record_under_what_people_say(heard: Library) -> None:
    one = Sound.objects.get(path="b.wav")
    actions.edit_sound(one, description="Mine, naïve", tags=["own"])
    actions.edit_sound(Sound.objects.get(path="c.wav"), category="weather")
    actions.edit_sound(Sound.objects.get(path="c.wav"), withdraw=["category"])
    retag_now("broad_search")
    for sound in Sound.objects.select_related("current_analysis"):
        written = {name: getattr(sound, name) for name in EFFECTIVE_COLUMNS}
        refresh_sound(sound)
        assert written == {name: getattr(sound, name) for name in EFFECTIVE_COLUMNS}
    one.refresh_from_db()
    assert (one.description, one.tags) == ("Mine, naïve", ["own"])
    analysis = one.current_analysis
    assert analysis is not None
    assert (analysis.profile, one.analyzed_at) == ("broad_search", analysis.created_at)
    assert (analysis.label, analysis.tags) == (analysis.record["primary_label"], analysis.record["tags"])


@pytest.mark.usefixtures("heard")
def test_another_vocabulary_makes_every_sound_due_once(other_vocabulary: None) -> None:
    plan = retag.plan(retag.by_profile(Sound.objects.all()))
    run = retag.claim_run(retag.create_run(plan).pk, "test/1")
    assert run is not None
    retag.work_off(run)
    hashes = Sound.objects.values_list("current_analysis__vocabulary_sha256", flat=True)
    assert set(hashes) == {engine.vocabulary().sha256}
    assert retag.create_run(retag.plan(retag.by_profile(Sound.objects.all()))).total == 0
    assert retag.create_run(retag.plan(retag.by_profile(Sound.objects.all()), renew=True)).total == 3


@pytest.mark.usefixtures("heard")
def test_another_calibration_makes_the_sounds_of_its_profiles_due_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "calibration"
    monkeypatch.setattr(settings, "CALIBRATION_DIR", folder)
    for temperature in (1.5, 2.0):
        kept = calibration_of("balanced", temperature)
        save_calibration(folder, kept)
        assert retag_now("balanced").done == 3
        assert record_of("b.wav")["analysis_provenance"]["calibration"] == kept.fingerprint
        assert retag_now("balanced").total == 0
    next(folder.iterdir()).unlink()
    assert retag_now("balanced").done == 3
    assert record_of("b.wav")["calibrated"] is False
    assert retag_now("balanced").total == 0


@pytest.mark.usefixtures("heard")
def test_a_record_from_before_there_were_calibrations_is_up_to_date() -> None:
    for analysis in Analysis.objects.all():
        del analysis.record["analysis_provenance"]["calibration"]
        analysis.save()
    assert retag_now("balanced").total == 0


@pytest.mark.usefixtures("heard")
def test_a_sound_told_with_a_profile_that_is_gone_gets_that_of_its_library() -> None:
    Analysis.objects.update(profile="former", profile_fingerprint="0")
    chosen = retag.plan(retag.by_profile(Sound.objects.all())).chosen
    assert {name: sounds.count() for name, sounds in chosen.items() if sounds.exists()} == {"balanced": 3}


@pytest.mark.usefixtures("heard")
def test_what_has_no_vectors_for_a_profile_is_left_to_be_heard() -> None:
    Embedding.objects.filter(sound__path="a.wav").delete()
    plan = retag.plan({"broad_search": Sound.objects.all()})
    assert (plan.chosen["broad_search"].count(), plan.to_be_heard) == (2, 1)
    assert retag.plan({"fast": Sound.objects.all()}).to_be_heard == 3
    assert retag.plan({"compact_model": Sound.objects.all()}).to_be_heard == 3


@pytest.mark.usefixtures("heard")
def test_applying_a_profile_tells_what_it_can_and_hears_the_rest() -> None:
    Embedding.objects.filter(sound__path="a.wav").delete()
    run = actions.apply_profile(Sound.objects.all(), "broad_search")
    tasks.retag_sounds.fn(run.pk)
    analyze_now()
    run.refresh_from_db()
    (others,) = run.followers.all()
    assert (run.state, run.done, run.findings) == ("done", 2, {"from_vectors": 2, "to_be_heard": 1})
    assert (others.kind, others.state, others.done) == ("analysis", "done", 1)
    assert set(Sound.objects.values_list("current_analysis__profile", flat=True)) == {"broad_search"}


@pytest.mark.usefixtures("heard")
def test_asking_again_for_what_holds_already_hears_it_again() -> None:
    run = actions.apply_profile(Sound.objects.all(), "balanced")
    assert (run.kind, run.total, Run.objects.filter(kind="retag").count()) == ("analysis", 3, 0)


@pytest.mark.usefixtures("heard")
def test_after_a_kill_it_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retag, "CHUNK", 1)
    run = actions.apply_profile(Sound.objects.all(), "broad_search")
    assert retag.claim_run(run.pk, "killed/1")
    assert retag.retag_chunk(run.pk, {})
    Run.objects.filter(pk=run.pk).update(lease_until=Now() - timedelta(seconds=1))
    store.release_expired()
    assert run.pk in retag.due_runs(timedelta(days=-1))
    tasks.retag_sounds.fn(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done, run.retaggings.count()) == ("done", 3, 0)


@pytest.mark.usefixtures("heard")
def test_a_chunk_of_a_run_that_was_cancelled_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run = actions.apply_profile(Sound.objects.all(), "broad_search")
    claimed = retag.claim_run(run.pk, "test/1")
    assert claimed is not None
    Run.objects.filter(pk=run.pk).update(state=Run.State.CANCELLED)  # as the chunk is at work
    retag.work_off(claimed)
    assert not Analysis.objects.filter(profile="broad_search").exists()
    Run.objects.filter(pk=run.pk).update(state=Run.State.RUNNING)
    actions.cancel(run)
    assert (run.state, Retagging.objects.count()) == ("cancelled", 0)


@pytest.mark.usefixtures("heard")
def test_a_sound_that_is_gone_is_passed_over_and_an_old_record_is_named() -> None:
    run = actions.apply_profile(Sound.objects.all(), "broad_search")
    Sound.objects.filter(path="a.wav").delete()
    old = Analysis.objects.get(sound__path="b.wav")
    del old.record["acoustic_summary"]["rms_dbfs"]
    old.save()
    tasks.retag_sounds.fn(run.pk)
    run.refresh_from_db()
    assert (run.state, run.total, run.done, run.failed) == ("done", 2, 1, 1)
    (problem,) = run.problems
    assert problem["path"] == "b.wav"
    assert "rms_dbfs" in problem["reason"]


@pytest.mark.usefixtures("heard")
def test_a_worker_that_hears_a_sound_meanwhile_has_the_last_word() -> None:
    sound = Sound.objects.get(path="b.wav")
    actions.analyze(Sound.objects.filter(pk=sound.pk), "fast")
    claimed = store.claim_sound(sound.pk, "fast", "worker/1")
    assert claimed is not None
    retag_now("broad_search")
    analyzed = engine.new_analyzer().analyze(claimed.absolute_path, "fast")
    assert store.store_analysis(claimed, analyzed, "worker/1")
    sound.refresh_from_db()
    assert sound.current_analysis is not None
    assert (sound.state, sound.current_analysis.profile) == ("analyzed", "fast")


def test_the_libraries_page_starts_it_and_the_run_says_how_many(heard: Library, client: Any) -> None:
    Embedding.objects.filter(sound__path="a.wav").delete()
    form = {"scope": "filter", "filters": f"library={heard.pk}", "profile": "broad_search"}
    address = client.post("/sounds/analyze/", form)["Location"]
    page = client.get(address).content.decode()
    assert "0 of 2 re-tagged" in page
    assert "<dt>from vectors</dt><dd>2</dd>" in page
    assert "<dt>to be heard</dt><dd>1</dd>" in page


def test_the_api_answers_with_the_retagging_and_names_the_analysis_of_the_rest(heard: Library, client: Any) -> None:
    Embedding.objects.filter(sound__path="a.wav").delete()
    wanted = {"profile": "broad_search", "filter": f"library={heard.pk}"}
    answer = client.post("/api/analyze", wanted, content_type="application/json").json()
    assert (answer["kind"], answer["total"], len(answer["followers"])) == ("retag", 2, 1)
    assert answer["findings"] == {"from_vectors": 2, "to_be_heard": 1}
    one = Sound.objects.get(path="c.wav")
    tasks.retag_sounds.fn(answer["id"])
    again = client.post(f"/api/sounds/{one.pk}/analyze", {"profile": "fast"}, content_type="application/json").json()
    assert again["kind"] == "analysis"


@pytest.mark.usefixtures("heard")
def test_the_settings_page_offers_it_where_the_vocabulary_is_another(client: Any, other_vocabulary: None) -> None:
    assert "3 sounds were told with another vocabulary" in client.get("/settings/").content.decode()
    address = client.post("/settings/retag/")["Location"]
    assert Run.objects.get(pk=address.strip("/").rpartition("/")[2]).total == 3


def test_damaged_vectors_of_one_sound_keep_nothing_from_the_others(heard: Library) -> None:
    Embedding.objects.filter(sound__path="a.wav").update(windows=b"odd")
    run = retag_now("broad_search")
    assert (run.state, run.done, run.failed) == ("done", 2, 1)
    assert run.problems == [{"path": "a.wav", "reason": "its stored vectors are damaged: analyze it again"}]


def test_what_nobody_foresaw_with_one_sound_keeps_nothing_from_the_others(heard: Library) -> None:
    vectors = Embedding.objects.get(sound__path="b.wav")
    Embedding.objects.filter(pk=vectors.pk).update(clip=bytes(vectors.clip)[:-8])  # of no model there is
    run = retag_now("clip_only")
    assert (run.state, run.done, run.failed, run.error) == ("done", 2, 1, "")
    (problem,) = run.problems
    assert problem["path"] == "b.wav"
    assert problem["reason"].startswith("ValueError: ")
    assert record_of("a.wav")["analysis_provenance"]["profile_name"] == "clip_only"


def test_what_the_database_refuses_of_one_sound_keeps_nothing_from_the_others(
    heard: Library,
) -> None:
    refuse = "ALTER TABLE catalog_analysis ADD CONSTRAINT refused CHECK (profile = 'balanced' OR sound_id <> %s)"
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(refuse, [Sound.objects.get(path="c.wav").pk])
    run = retag_now("broad_search")
    assert (run.state, run.done, run.failed) == ("done", 2, 1)
    assert run.problems[0]["reason"].startswith("IntegrityError: ")


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("heard")
def test_two_runs_at_once_tell_every_sound_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retag, "CHUNK", 1)
    runs = [retag.create_run(retag.plan({name: Sound.objects.all()})) for name in ("broad_search", "clip_only")]
    claimed = [retag.claim_run(run.pk, "test/1") for run in runs]
    threads = [threading.Thread(target=retag.work_off_and_close, args=[run]) for run in claimed]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    connection.close()
    assert sorted(Run.objects.filter(kind="retag").values_list("state", "done")) == [("done", 3), ("done", 3)]
    assert Analysis.objects.filter(profile__in=["broad_search", "clip_only"]).count() == 6


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("heard")
def test_another_process_takes_part(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TIMBRE_MODEL", str(settings.MODEL_OVERRIDE))
    run = retag.claim_run(retag.create_run(retag.plan({"broad_search": Sound.objects.all()})).pk, "test/1")
    assert run is not None
    with retag.processes_at(run.pk, 1):
        pass  # it does all of it
    run.refresh_from_db()
    assert (run.done, run.retaggings.count(), run.problems) == (3, 0, [])
    assert Analysis.objects.filter(profile="broad_search").count() == 3


@pytest.mark.parametrize("embedded", [[], ["a loop"], "loop", 3, None])
def test_what_was_written_inside_a_file_may_be_no_object(heard: Library, embedded: Any) -> None:
    heard.sounds.update(embedded=Value(embedded, JSONField()))
    heard.sounds.filter(path="a.wav").update(is_loop=True)
    run = retag_now("broad_search")
    assert (run.state, run.done, run.failed) == ("done", 3, 0)
    assert not heard.sounds.filter(is_loop=True).exists()
