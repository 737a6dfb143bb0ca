"""The pages of a study, requested as a browser would."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from palsynth.app.study import study_app
from palsynth.evaluation.study import QUESTIONS
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
