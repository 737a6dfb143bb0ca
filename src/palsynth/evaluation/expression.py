"""The expression family: does the picture show the movement and the palsy that were requested?"""

from __future__ import annotations

from functools import partial

import numpy as np

from palsynth.evaluation.agreement import weighted_kappa
from palsynth.evaluation.intervals import bootstrap
from palsynth.evaluation.metric import Inputs, Metric, Outcome
from palsynth.evaluation.requested import REGIONS, rank_agreement

_COPY_MOVES = "copying the expression image shows the requested movement"


def _side(inputs: Inputs) -> Outcome:
    found = inputs.requested()
    return Outcome(np.where(found.clear(), 100.0 * found.side_accuracy(), np.nan))


def _rank(inputs: Inputs, region: str) -> Outcome:
    found = inputs.requested()
    movement = np.array([request[0].value for request in inputs.requests() if request is not None])
    return Outcome(
        figure=bootstrap(
            found.region,
            movement,
            found.requested,
            found.measured,
            groups=inputs.subjects,
            statistic=partial(rank_agreement, which=region),
            num_resamples=300,
        )
    )


def _item_kappa(inputs: Inputs) -> Outcome:
    found = inputs.requested()
    scored = found.measured_score >= 0
    return Outcome(
        figure=bootstrap(
            found.requested_score[scored],
            found.measured_score[scored],
            groups=inputs.subjects[scored],
            statistic=weighted_kappa,
            num_resamples=300,
        )
    )


METRICS = (
    Metric(
        key="side_accuracy",
        title="side accuracy, %",
        family="expression",
        better="up",
        meaning="share of pictures whose measured asymmetry points to the requested side, among "
        "clearly asymmetric requests",
        judge="MediaPipe, measures",
        needs=("faces", "pairs", "labels"),
        compute=_side,
        digits=1,
        blind="copying the expression image shows the requested side",
        by_people=True,
        by_tuning=True,
    ),
    *(
        Metric(
            key=f"rank_{region}",
            title=f"rank agreement, {region}",
            family="expression",
            better="up",
            meaning="Spearman's rank correlation of requested and measured asymmetry of the "
            f"{region}",
            judge="MediaPipe, measures",
            needs=("faces", "pairs", "labels"),
            compute=partial(_rank, region=region),
        )
        for region in REGIONS
    ),
    Metric(
        key="item_kappa",
        title="item score kappa",
        family="expression",
        better="up",
        meaning="quadratic weighted kappa of requested and estimated Yanagihara item score",
        judge="MediaPipe, calibrated measures",
        needs=("faces", "pairs", "labels"),
        compute=_item_kappa,
        blind=_COPY_MOVES,
    ),
    Metric(
        key="judge_movement",
        title="movement accuracy, %",
        family="expression",
        better="up",
        meaning="share of pictures in which the judge reads the requested movement; without a "
        "face: wrong",
        judge="our judge of expressions",
        needs=("faces", "labels"),
        compute=lambda inputs: Outcome(100.0 * inputs.readings()[0]),
        digits=1,
        blind=_COPY_MOVES,
        by_people=True,
    ),
    Metric(
        key="judge_weakness",
        title="weakness error of the judge",
        family="expression",
        better="down",
        meaning="mean absolute error of the weakness that the judge reads on both sides, 0 to 1",
        judge="our judge of expressions",
        needs=("faces", "labels"),
        compute=lambda inputs: Outcome(inputs.readings()[1]),
        blind="copying the expression image shows the requested weakness",
        by_people=True,
    ),
)
