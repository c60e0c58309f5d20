"""The report is one file that asks the network for nothing, and says where ours loses."""

from html.parser import HTMLParser

import numpy as np
import pytest

from sodachi.face.racing import ADAM, BUFFER, OURS, TWIN
from sodachi.face.report import POLICY, page, write_report
from sodachi.face.story import BIG, losses
from sodachi.worlds import score

pytestmark = pytest.mark.unit

#: Attributes by which a tag can make a browser fetch something.
FETCHING = {"src", "href", "srcset", "data", "poster", "action", "formaction", "background"}


class Tags(HTMLParser):
    """Collects tags with their attributes, the text, and the styles."""

    def __init__(self):
        super().__init__()
        self.tags, self.text, self.within = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.within.append(tag)

    def handle_endtag(self, tag):
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data):
        if not self.within or self.within[-1] not in ("script", "style"):
            self.text.append(data)
        elif self.within[-1] == "style":
            assert "url(" not in data
            assert "@import" not in data


def _read(text):
    tags = Tags()
    tags.feed(text)
    return tags


@pytest.fixture
def read(story):
    return _read(page(story))


def test_no_tag_fetches_anything(read):
    fetching = [(t, k, v) for t, a in read.tags for k, v in a.items() if k in FETCHING]
    assert fetching == []
    assert not {t for t, _ in read.tags} & {"link", "iframe", "object", "embed", "base", "form"}


def test_the_check_of_tags_finds_a_tag_that_fetches():
    tags = _read('<script src="http://a.example/x.js"></script><img src=x>').tags
    assert [(t, k) for t, a in tags for k in a if k in FETCHING] == [
        ("script", "src"),
        ("img", "src"),
    ]


def test_the_policy_forbids_every_request(read):
    metas = [a for t, a in read.tags if t == "meta" and "http-equiv" in a]
    assert [a["content"] for a in metas] == [POLICY]
    assert POLICY.startswith("default-src 'none'")
    assert "http" not in POLICY
    assert "*" not in POLICY


def test_it_says_what_was_found(read, story):
    text = " ".join("".join(read.text).split())
    assert "Seed 5" in text
    assert story.survival.words in text
    assert "read 30 handwritten digits" in text
    assert "sodachi 0.200; the mean image 0.300" in text
    for title in ("Where ours loses", "Dreams", "kill -9", "Posts, springs and platforms"):
        assert title in text


def test_the_table_shows_the_scores(read, story):
    cells = "|".join(read.text)
    figures = score(np.tile(np.arange(10) < 6, (3, 1)), story.infos, edge=5)
    assert figures["new_first"] == pytest.approx(0.6)
    assert f"{TWIN}|60.0%|60.0%|60.0% → 60.0%|60.0% → 60.0%|100" in cells


def test_losses_name_each_better_rival_and_no_other(story):
    (only,) = losses(story)
    assert "buffer of 4,500 is right on 90.0%, ours on 80.0%" in only
    assert "10 × as many numbers" in only


@pytest.mark.parametrize("rival", [TWIN, ADAM, BUFFER])
def test_a_loss_in_permuted_labels_is_told(story, rival):
    worse = story._replace(permuted_labels=story.permuted_labels | {rival: 0.91})
    assert any(f"the {rival} is right on 91.0%, ours on 90.0%" in words for words in losses(worse))


def test_a_rival_that_gains_more_from_a_return_is_told(story):
    home = story.lived[ADAM][2]._replace(correct=np.arange(10) < 7)
    lived = story.lived | {ADAM: [*story.lived[ADAM][:2], home]}
    told = losses(story._replace(lived=lived))[-1]
    assert "the plain Adam does 20.0 points better than at its first visit, ours 0.0" in told


def test_a_loss_in_completion_is_told(story):
    errors = {OURS: 0.3, "the mean image": 0.25}
    worse = story._replace(clamped=story.clamped._replace(errors=errors))
    assert "the mean image misses the hidden pixels by 0.250, ours by 0.300" in losses(worse)[-1]


def test_energy_and_units_over_life_are_those_lived(story):
    places, energy = story.energy(every=5)
    assert places.tolist() == [5, 10, 15, 20, 25, 30]
    np.testing.assert_allclose(energy[:2], [np.linspace(3, 1, 10)[:5].mean(), 1.4444], atol=1e-4)
    samples, units = story.alive(every=5)
    assert (samples.tolist()[:3], units.tolist()[:3]) == ([1, 6, 11], [0, 5, 0])


def test_written_whole_and_alone(story, tmp_path):
    path = write_report(story, tmp_path / "new" / "report.html")
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    assert path.read_text(encoding="utf-8").endswith("</html>")
    assert set(story.figures()) == {OURS, TWIN, ADAM, BUFFER, BIG}
