"""The recipe of a CFCPalsy model: its settings, its training pairs and its training loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from palsynth.data.examples import RowExamples, Source
from palsynth.data.faces import Crop
from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.pair_settings import PairsSettings, pairs_source
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.config import CFCPalsySettings, EncoderSettings
from palsynth.methods.cfcpalsy.io.files import load_networks
from palsynth.methods.cfcpalsy.networks.conditioner import ENCODER_FIELDS
from palsynth.methods.cfcpalsy.networks.encoders import build_networks_with, has_published_encoders
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.notes import note
from palsynth.training.init import InitSettings, check_init, init_networks
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings

_NO_CROP = (
    "encoders: published ones take another crop of the face than the groups of synthetic subjects "
    "have; give data.dataset"
)

_OURS = (
    "conditioning and losses use palsynth's own encoders; encoders.identity, "
    "encoders.expression and encoders.landmarks name published ones"
)


@dataclass(frozen=True)
class CFCPalsyRecipe(InitSettings):
    """Trains a CFCPalsy model."""

    kind: Literal["cfcpalsy"] = "cfcpalsy"
    """The kind of recipe."""
    init_modules: Literal["all", "unet"] = "all"
    """What is initialised: all modules, for instance to fine-tune a model on one's own patients, or
    the U-Net alone, as the published training does from DCFace's."""
    model: CFCPalsySettings = field(default_factory=CFCPalsySettings)
    encoders: EncoderSettings = field(default_factory=EncoderSettings)
    data: PairsSettings = field(default_factory=PairsSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.encoders.given and self.init_from != "scratch" and self.init_modules == "all":
            raise InputError(
                "encoders: the weights of init_from have their own; leave them out, or set "
                "init_modules to unet"
            )
        if self.model.condition.identity_train_mode and self.loop.batch < 2:
            raise InputError("identity_train_mode: norms need a batch of at least 2 images")

    def source(self, build_cache: bool = True) -> Source:
        """The training pairs."""
        if build_cache:  # checked here too, since rendering the groups takes hours
            check_init(self)
            self.encoders.check_files()
        if self._published() and self.data.dataset is None:
            raise InputError(_NO_CROP)
        return pairs_source(self.data, self.model.unet.size, build_cache, self._crop())

    def examples_of(
        self, folder: Path, splits: tuple[str | None, ...], trained: bool
    ) -> RowExamples:
        """The pairs of a dataset's pictures, for an audit; subjects of one picture have none.

        Args:
            folder: the dataset.
            splits: splits to use; None stands for rows without a split.
            trained: not used; training uses all pictures.

        Returns:
            The examples.

        Raises:
            InputError: the model was trained on no dataset.
        """
        if self.data.dataset is None:
            raise InputError(
                "data.dataset: the model was trained on synthetic subjects, not on a dataset; "
                "leave out --run"
            )
        return FolderPairs(
            folder,
            splits,
            self.model.unet.size,
            self.data.seed,
            self.data.fixed_identity,
            self._crop(),
            skip_single=True,
        )

    def _crop(self) -> Crop:
        """How the model crops faces at inference."""
        return "five points" if self._published() else "eyes"

    def _published(self) -> bool:
        """Whether the encoders of the model are published ones."""
        if self.init_modules == "unet" or self.init_from in ("scratch", "shipped"):
            return self.encoders.given
        return has_published_encoders(Path(self.init_from))

    def objective(self) -> Objective:
        """The model with its cycle objective."""
        if self.data.dataset is not None and self.model.uses_draft:
            raise InputError("pairs of a dataset have no draft; remove it from the model settings")
        networks = init_networks(
            self,
            lambda: build_networks_with(self.model, self.encoders),
            load_networks,
            None if self.init_modules == "all" else (self.init_modules,),
            ignore=ENCODER_FIELDS,
        )
        ours = networks["conditioner"].config["encoders"] == "palsynth"
        if ours and self.model.condition.drop < 1:
            note(_OURS)
        model = CFCPalsyModel(self.model, **networks)
        return CFCPalsyObjective(model, self.encoders.landmarks)
