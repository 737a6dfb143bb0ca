"""The pages of a study, requested as a browser would."""

from __future__ import annotations

import contextlib
import logging
import re
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from palsynth.app.study import study_app
from palsynth.evaluation.study import QUESTIONS
from palsynth.study import store
from palsynth.study.store import Study, StudyItem, create

METHODS = ("method-quux", "method-corge")


@pytest.fixture
def study(tmp_path: Path) -> Study:
    shown = [
        StudyItem(f"{p}.png", m, f"{p}{m}".encode(), b"patient") for p in "ab" for m in METHODS
    ]
    create(tmp_path / "s.sqlite", "Faces <& more>", shown, 2, seed=0)
    return Study(tmp_path / "s.sqlite")


@pytest.fixture
def client(study: Study) -> TestClient:
    return TestClient(study_app(study))


def answer(client: TestClient, place: str, points: int = 3, **more: str):
    return client.post(place, data={**dict.fromkeys(QUESTIONS, str(points)), **more})


def test_a_rater_answers_pauses_and_comes_back(study: Study, client: TestClient) -> None:
    link = f"/r/{study.tokens()[0]}"
    assert client.get(link).url.path == f"{link}/1"
    assert answer(client, f"{link}/1").url.path == f"{link}/2"
    assert answer(client, f"{link}/2", 5).url.path == f"{link}/3"
    again = TestClient(study_app(Study(study.path)))
    page = again.get(link)
    assert page.url.path == f"{link}/3", "resumes at the first item without an answer"
    assert "Picture 3 of 4" in page.text
    before = again.get(f"{link}/2").text
    assert before.count("value=5 required checked") == 3, "earlier answers are shown"
    answer(again, f"{link}/3")
    end = answer(again, f"{link}/4")
    assert end.url.path == f"{link}/done"
    assert "Thank you" in end.text
    assert study.answered(1) == {1, 2, 3, 4}
    assert not study.answered(2)


def test_an_unanswered_question_is_shown_again_and_no_answer_is_saved(study, client) -> None:
    link = f"/r/{study.tokens()[0]}"
    for bad in ("", "6", "x"):
        page = answer(client, f"{link}/1", naturalness=bad)
        assert page.status_code == 400
        assert "please answer every question" in page.text
    assert not study.answered(1)


def test_pages_need_a_valid_link(study: Study, client: TestClient) -> None:
    token = study.tokens()[0]
    guessed = ("/r/guess", "/r/guess/1", "/r/guess/1/made.png", "/r/guess/done", "/else")
    own = (f"/r/{token}/0", f"/r/{token}/5", f"/r/{token}/1/method.png")
    for place in (*guessed, *own):
        assert client.get(place).status_code == 404, place
    assert answer(client, "/r/guess/1").status_code == 404
    assert "open the link" in client.get("/").text


def test_pictures_and_headers(study: Study, client: TestClient) -> None:
    link = f"/r/{study.tokens()[1]}"
    made = client.get(f"{link}/1/made.png")
    assert made.content == study.picture(study.items(2)[0], "made")
    assert client.get(f"{link}/1/patient.png").content == b"patient"
    page = client.get(f"{link}/1")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"
    assert "Faces &lt;&amp; more&gt;" in page.text
    for place in range(1, 5):
        page = client.get(f"{link}/{place}")
        assert not any(m in page.text + str(page.headers) for m in METHODS), "blinded"


def test_answers_can_be_reviewed(study: Study, client: TestClient) -> None:
    link = f"/r/{study.tokens()[0]}"
    for place in range(1, 5):
        answer(client, f"{link}/{place}")
    assert answer(client, f"{link}/2", 4).url.path == f"{link}/3"
    assert answer(client, f"{link}/4", 4).url.path == f"{link}/done"


def test_a_page_shows_the_patient_on_the_left_and_names_each_question(
    study: Study, client: TestClient
) -> None:
    link = f"/r/{study.tokens()[0]}"
    page = client.get(f"{link}/1").text
    figures = re.findall(r"<figure><img src='([^']+)'[^>]*><figcaption>([^<]+)<", page)
    assert figures == [
        (f"{link}/1/patient.png", "the patient"),
        (f"{link}/1/made.png", "the picture to judge"),
    ]
    values = re.findall(r"name=difference value=(\d) required", page)
    assert values == ["1", "2", "3", "4", "5"], "the worst is on the left"
    fields = re.findall(
        r"<legend>([^<]+)</legend>.*?name=(\w+) value=1 .*?<div class=ends>"
        r"<span>([^<]+)</span><span>([^<]+)</span>",
        page,
        re.DOTALL,
    )
    assert fields == [
        (
            "How well does the picture show the expression of the patient?",
            "expression",
            "not at all",
            "exactly",
        ),
        (
            "How different does the person look from the patient?",
            "difference",
            "same person",
            "someone else",
        ),
        ("How natural does the face look?", "naturalness", "artificial", "like a photo"),
    ]


def test_each_rater_has_their_own_order_and_answers(study: Study, client: TestClient) -> None:
    links = [f"/r/{token}" for token in study.tokens()]
    given = {"expression": "1", "difference": "2", "naturalness": "5"}
    client.post(f"{links[0]}/1", data=given)
    item = study.items(1)[0]
    assert study.points(1, item) == {"expression": 1, "difference": 2, "naturalness": 5}
    assert study.answered(2) == set()
    place = study.items(2).index(item) + 1
    assert "required checked" not in client.get(f"{links[1]}/{place}").text
    page = client.get(f"{links[0]}/1").text
    assert re.findall(r"name=(\w+) value=(\d) required checked", page) == list(given.items())
    for place, shown in enumerate(study.items(2), 1):
        made = client.get(f"{links[1]}/{place}/made.png").content
        assert made == study.picture(shown, "made")


def test_a_page_says_the_movement_and_shows_the_patient_at_rest(tmp_path: Path) -> None:
    known = StudyItem("a.png", "x", b"made", b"moving", "wrinkle-forehead", b"at rest")
    create(tmp_path / "s.sqlite", "T", [known], 1, seed=0)
    study = Study(tmp_path / "s.sqlite")
    client, link = TestClient(study_app(study)), f"/r/{study.tokens()[0]}/1"
    page = client.get(link).text
    assert "The movement: <b>Wrinkle forehead</b>" in page
    fields = page.split("<fieldset>")
    shown = [re.findall(r"<img src='([^']+)'", field) for field in fields]
    assert shown == [
        [f"{link}/patient.png", f"{link}/made.png"],
        [],
        [f"{link}/rest.png", f"{link}/made.png"],  # beside the question of the difference
        [],
    ]
    assert "How different" in fields[2]
    assert client.get(f"{link}/rest.png").content == b"at rest"


def test_a_study_of_the_last_version_is_served(study: Study, client: TestClient) -> None:
    with contextlib.closing(sqlite3.connect(study.path)) as base:
        base.execute("alter table item drop column movement")
        base.execute("alter table item drop column rest")
        base.execute("update study set version = 1")
        base.commit()
    old = Study(study.path)
    link = f"/r/{old.tokens()[0]}/1"
    again = TestClient(study_app(old))
    page = again.get(link).text
    assert "The movement" not in page
    assert "rest.png" not in page
    assert again.get(f"{link}/rest.png").status_code == 404
    assert answer(again, link).status_code == 200
    assert old.answered(1)


def test_a_form_that_no_page_sends_saves_nothing(study: Study, client: TestClient) -> None:
    link = f"/r/{study.tokens()[0]}/1"
    valid = "&".join(f"{question}=3" for question in QUESTIONS)
    for content in (b"\xff\xfe", f"{valid}{'&a=1' * 10_000}".encode(), b"%00" * 1000):
        page = client.post(link, content=content)
        assert page.status_code == 400
        assert "please answer every question" in page.text
    assert client.post(link, content=f"{valid}&a={'1' * 70_000}".encode()).status_code == 413
    assert not study.answered(1)


def test_addresses_of_any_length_are_unknown(study: Study, client: TestClient) -> None:
    token = study.tokens()[0]
    for place in (f"/r/{token}/{'9' * 5000}", f"/r/{'9' * 9000}/1", f"/r/{token}/²", "/r/%00/1"):
        assert client.get(place).status_code == 404, place[:30]


@pytest.fixture
def locked(study: Study, monkeypatch: pytest.MonkeyPatch):
    """Another program holds the file of the study."""
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.5)
    with contextlib.closing(sqlite3.connect(study.path)) as base:
        base.execute("begin exclusive")
        yield base


def test_a_locked_study_says_so_and_serves_again(study, client, locked, caplog) -> None:
    link = f"/r/{study.tokens()[0]}/1"
    with caplog.at_level(logging.WARNING):
        for found in (client.get(link), answer(client, link)):
            assert found.status_code == 503
            assert "What you have just sent is not saved" in found.text
            assert found.headers["Retry-After"] == "5"
            assert str(study.path) not in found.text
    assert "is locked" in caplog.text
    assert f"{study.path}: cannot be used as a study" in caplog.text
    locked.rollback()
    assert answer(client, link).status_code == 200
    assert study.answered(1)


def test_an_answer_waits_for_a_short_lock(study, client, locked) -> None:
    link = f"/r/{study.tokens()[0]}/1"
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(answer, client, link)
        time.sleep(0.2)
        locked.rollback()
        assert found.result().status_code == 200
    assert study.answered(1)


def test_a_lost_or_damaged_file_is_no_error_of_the_server(study, client) -> None:
    link = f"/r/{study.tokens()[0]}/1"
    moved = study.path.rename(study.path.with_name("moved"))
    assert client.get(link).status_code == 503
    assert not study.path.exists(), "no empty file takes its place"
    data = moved.read_bytes()
    study.path.write_bytes(data[:100] + b"x" * 5000 + data[5100:])
    assert client.get(link).status_code == 503
    study.path.write_bytes(data)
    assert client.get(link).status_code == 200
