"""`manage.py evaluate` on a few real people of ../shared/faces/eval. No database here: it must do without one."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest
from django.core.management import CommandError, call_command

from recognizer.packs.manifest import Manifest

PEOPLE = ("Abdoulaye_Wade", "Alexander_Downer", "Bill_Gates", "Amelia_Vega")
PICTURES = 3


@pytest.fixture
def images(tmp_path: Path, shared_faces: Path) -> Path:
    """Three pictures of each of four people, and one without a face."""
    folder = tmp_path / "images"
    for person in PEOPLE:
        (folder / person).mkdir(parents=True)
        for picture in sorted((shared_faces / "eval" / person).glob("*.jpg"))[:PICTURES]:
            (folder / person / picture.name).symlink_to(picture)
    cv2.imwrite(str(folder / "wall.png"), np.full((250, 250, 3), 127, np.uint8))
    return folder


@pytest.fixture
def pairs(images: Path, tmp_path: Path) -> Path:
    """Every pair of the twelve pictures; every third line belongs to the same fold."""
    pictures = sorted(str(path.relative_to(images)) for path in images.glob("*/*.jpg"))
    return write_pairs(
        tmp_path / "pairs.csv",
        "a,b,same,fold",
        *(
            f"{a},{b},{int(a.split('/')[0] == b.split('/')[0])},{n % 3}"
            for n, (a, b) in enumerate(combinations(pictures, 2))
        ),
    )


def write_pairs(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def evaluate(*arguments: Any) -> str:
    out = StringIO()
    call_command("evaluate", *map(str, arguments), stdout=out)
    return out.getvalue()


class TestEvaluate:
    def test_shows_both_pipelines_and_what_the_difference_is_worth(self, engine, pairs, images):
        result = json.loads(evaluate(pairs, "--images", images, "--json"))

        ours, seed = result["pipelines"]["facesite"], result["pipelines"]["seed"]
        assert ours["accuracy"] > 0.95 > seed["accuracy"]
        assert seed["fnmr"] > 0.5 > 0.1 > ours["fnmr"]
        assert (ours["fmr"], seed["fmr"]) == (0.0, 0.0)
        assert ours["pairs"] == {"listed": 66, "used": 66, "mated": 12, "non_mated": 54}
        assert seed["seed_distance"] == 0.8

    def test_repeats_facesite_s_numbers_at_the_top(self, engine, pairs, images):
        result = json.loads(evaluate(pairs, "--images", images, "--json"))
        for key in ("accuracy", "fmr", "fnmr", "thresholds", "tar_at_fmr", "failure_to_acquire", "pairs"):
            assert result[key] == result["pipelines"]["facesite"][key]

    def test_gives_every_threshold_of_the_pack_with_its_bounds(self, engine, pairs, images):
        result = json.loads(evaluate(pairs, "--images", images, "--pipeline", "facesite", "--json"))
        assert list(result["pipelines"]) == ["facesite"]
        assert [row["target_fmr"] for row in result["thresholds"]] == list(engine.pack.thresholds)
        for row in result["thresholds"]:
            assert row["match_threshold"] == engine.pack.thresholds[row["target_fmr"]].match
            assert 0 == row["fmr_low"] <= row["fmr"] < row["fmr_high"] < 0.1
        assert [row["fnmr"] for row in result["thresholds"]] == sorted(row["fnmr"] for row in result["thresholds"])

    def test_says_when_the_pairs_are_too_few_to_conclude(self, engine, pairs, images):
        result = json.loads(evaluate(pairs, "--images", images, "--pipeline", "facesite", "--json"))
        at = result["tar_at_fmr"]["0.001"]
        assert (at["tar"], at["enough_pairs"]) == (1.0, False)
        assert "at least 3,000" in at["doubt"]

    def test_uses_the_list_s_folds(self, engine, pairs, images):
        result = json.loads(evaluate(pairs, "--images", images, "--pipeline", "facesite", "--json"))
        assert "the list's own folds" in result["accuracy_method"]
        assert len(result["accuracy_cross_validated"]["thresholds"]) == 3

    def test_pictures_without_a_face_are_named_and_left_out(self, engine, images, tmp_path):
        a, b = (f"Alexander_Downer/{path.name}" for path in sorted((images / "Alexander_Downer").iterdir())[:2])
        pairs = write_pairs(tmp_path / "few.csv", "a,b,same,note", f"{a},{b},1,x", f"{a},wall.png,0,y")
        (images / "broken.jpg").write_bytes(b"no picture")
        with pairs.open("a") as file:
            file.write(f"{b},broken.jpg,0,z\n")

        result = json.loads(evaluate(pairs, "--images", images, "--pipeline", "facesite", "--json"))

        failed = result["failure_to_acquire"]
        assert (failed["count"], failed["rate"]) == (2, 0.5)
        assert [(one["file"], one["reason"]) for one in failed["pictures"]] == [
            ("broken.jpg", "image_undecodable"),
            ("wall.png", "no_face"),
        ]
        assert [one["message"][:10] for one in failed["pictures"]] == ["This is no", "No face ca"]
        assert result["pairs"] == {"listed": 3, "used": 1, "mated": 1, "non_mated": 0}
        assert (result["fmr"], result["equal_error_rate"]) == (None, None)

    def test_every_pair_compares_all_pictures_by_their_folders(self, engine, images, tmp_path):
        a, b = (f"Alexander_Downer/{path.name}" for path in sorted((images / "Alexander_Downer").iterdir())[:2])
        c = f"Bill_Gates/{next(iter(sorted((images / 'Bill_Gates').iterdir()))).name}"
        pairs = write_pairs(tmp_path / "few.csv", "a,b,same", f"{a},{b},1", f"{a},{c},0")
        result = json.loads(evaluate(pairs, "--images", images, "--pipeline", "facesite", "--every-pair", "--json"))
        assert result["pairs"]["non_mated"] == 1
        assert result["every_pair"]["pairs"] == {"mated": 1, "non_mated": 2}

    def test_embeds_each_picture_once(self, engine, pairs, images, monkeypatch):
        counts: list[int] = []
        embed = engine.embed

        def count_and_embed(crops):
            counts.append(len(crops))
            return embed(crops)

        monkeypatch.setattr(engine, "embed", count_and_embed)
        evaluate(pairs, "--images", images, "--pipeline", "facesite", "--json")
        assert sum(counts) == len(PEOPLE) * PICTURES

    def test_prints_a_table_for_people(self, engine, pairs, images):
        text = evaluate(pairs, "--images", images)
        assert "facesite" in text
        assert "seed" in text
        assert "failure to acquire" in text
        assert "meant for FMR 0.0001" in text
        assert "needs at least 30,000 comparisons" in text

    def test_prints_a_markdown_table_for_documents(self, engine, pairs, images):
        lines = evaluate(pairs, "--images", images, "--markdown").splitlines()
        assert lines[:2] == ["| | facesite | seed |", "|---|---|---|"]
        assert {line.count("|") for line in lines} == {4}

    def test_draws_the_curves(self, engine, pairs, images, tmp_path):
        plot = tmp_path / "det.svg"
        evaluate(pairs, "--images", images, "--plot", plot)
        root = ET.parse(plot).getroot()  # noqa: S314
        assert len(root.findall("{http://www.w3.org/2000/svg}polyline")) == 2
        assert [path.name for path in tmp_path.glob("*det.svg*")] == ["det.svg"]

    def test_refuses_a_rate_that_the_pack_has_no_threshold_for(self, engine, pairs, images):
        with pytest.raises(CommandError, match=r"choose 0\.001, 0\.0001, 1e-05"):
            evaluate(pairs, "--images", images, "--fmr", "0.5")

    def test_refuses_a_chart_in_a_folder_that_is_not_there(self, engine, pairs, images, tmp_path):
        with pytest.raises(CommandError, match="no folder"):
            evaluate(pairs, "--images", images, "--plot", tmp_path / "nowhere" / "det.svg")


class TestWriteThresholds:
    def test_too_few_pairs_are_refused_and_the_old_thresholds_kept(self, engine, pairs, images, settings, tmp_path):
        settings.FACESITE_MODELS_DIR = tmp_path
        with pytest.raises(CommandError, match=r"not written\. .* at least 3,000 comparisons .* there are 54"):
            evaluate(pairs, "--images", images, "--pipeline", "facesite", "--write-thresholds")
        assert not (tmp_path / "local.toml").exists()

    def test_measured_ones_become_the_pack_s_own_at_the_next_start(
        self, engine, pairs, images, settings, tmp_path, monkeypatch
    ):
        monkeypatch.setattr("verification.accuracy.thresholds.RATES", (0.5, 0.1, 0.05, 0.001))
        settings.FACESITE_MODELS_DIR = tmp_path
        result = json.loads(
            evaluate(pairs, "--images", images, "--pipeline", "facesite", "--write-thresholds", "--json")
        )
        pack = Manifest.load(tmp_path).get(engine.pack.name)
        assert {f"{rate:g}": one.match for rate, one in pack.thresholds.items()}.items() <= (
            result["thresholds_written"]["match"].items()
        )
        assert pack.thresholds_measured
        assert "54 comparisons of different people of pairs.csv" in pack.thresholds_source
        assert pack.contract_id == engine.contract_id

    def test_the_seed_s_pipeline_gives_none(self, pairs, images):
        with pytest.raises(CommandError, match="leave out --pipeline seed"):
            evaluate(pairs, "--images", images, "--pipeline", "seed", "--write-thresholds")


class TestBadPairs:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        (tmp_path / "a.jpg").write_bytes(b"")
        (tmp_path / "b.jpg").write_bytes(b"")
        return tmp_path

    @pytest.mark.parametrize(
        ("lines", "sentence"),
        [
            (["a,b", "a.jpg,b.jpg"], "line 1: the column same is missing"),
            (["a,b,same", "a.jpg,b.jpg,1", "a.jpg,b.jpg,yes"], "line 3: \"same\" is 'yes'"),
            (["a,b,same", "a.jpg,c.jpg,1"], "line 2: there is no picture 'c.jpg'"),
            (["a,b,same", ",b.jpg,1"], "line 2: there is no picture ''"),
            (["a,b,same", "a.jpg"], "line 2: \"same\" is ''"),
            (["a,b,same,fold", "a.jpg,b.jpg,1,x"], "line 2: \"fold\" is 'x'"),
            (["a,b,same"], "lists no pairs"),
            ([""], "line 1: the column a is missing"),
        ],
    )
    def test_are_refused_with_the_line_before_any_work(self, folder: Path, no_engine, lines, sentence):
        pairs = write_pairs(folder / "pairs.csv", *lines)
        with pytest.raises(CommandError) as refusal:
            evaluate(pairs, "--images", folder, "--plot", folder / "det.svg")
        assert sentence in str(refusal.value)
        assert not (folder / "det.svg").exists()

    def test_that_are_not_there_are_refused(self, folder: Path):
        with pytest.raises(CommandError, match="cannot be read: No such file"):
            evaluate(folder / "none.csv", "--images", folder)

    def test_that_are_no_text_are_refused(self, folder: Path):
        (folder / "pairs.csv").write_bytes(b"\xff\xfe\x00\x01")
        with pytest.raises(CommandError, match="no CSV file in UTF-8"):
            evaluate(folder / "pairs.csv", "--images", folder)

    def test_a_byte_order_mark_is_no_fault(self, folder: Path):
        """Spreadsheets write one; the columns are found all the same, so the first fault is the picture."""
        (folder / "pairs.csv").write_bytes(b"\xef\xbb\xbfa,b,same\na.jpg,c.jpg,1\n")
        with pytest.raises(CommandError, match=r"c\.jpg"):
            evaluate(folder / "pairs.csv", "--images", folder)


class TestFailingChart:
    def test_leaves_nothing_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
        from verification.management.commands import evaluate as command

        def fail(self: Path, target: Path) -> Callable[..., None]:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", fail)
        with pytest.raises(CommandError, match="No space left"):
            command.write_plot(tmp_path / "det.svg", "mobile", {})
        assert list(tmp_path.iterdir()) == []
