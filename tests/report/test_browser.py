"""The page in a real browser, cut off from every network."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from tonewright.audio.files import Clip
from tonewright.report import Report, figures

pytest.importorskip("selenium", reason="selenium is not installed")
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("chromium or chromedriver is not installed", allow_module_level=True)

SECONDS = 3.0
CONTRAST = """
const channel = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const colour = parse(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] > 0.99) return colour;
  }
  return [255, 255, 255];
};
document.querySelectorAll('details').forEach((details) => { details.open = true; });
const found = [];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const text = walker.currentNode.textContent.trim();
  if (!text || !element.checkVisibility() || element.closest('script')) continue;
  const style = getComputedStyle(element);
  const ink = parse(element instanceof SVGElement ? style.fill : style.color);
  const [a, b] = [luminance(ink), luminance(ground(element))].sort((x, y) => y - x);
  found.push([(a + 0.05) / (b + 0.05), text.slice(0, 40)]);
}
return found;
"""


@pytest.fixture(scope="module")
def page_uri(tmp_path_factory):
    """A page with a group of two sounds of different length, a lone sound, figures and a wide table."""
    time = np.arange(round(SECONDS * 22050)) / 22050
    tone = 0.3 * np.sin(2 * np.pi * 440 * time)
    first, second = Clip(np.stack([tone, tone]), 22050), Clip(tone[None, : len(tone) // 2], 22050)
    page = Report("A page in a browser", "with sounds")
    page.heading("Numbers")
    page.numbers([("Mel distance", 0.31, "half of the untrained model's"), ("Steps", 3000)])
    page.table([f"column {n}" for n in range(12)], [list(range(12))], caption="A wide table")
    page.code("tonewright " + "word " * 60, caption="A long line")
    page.code("name: value", caption="config.yaml", folded=True)
    page.heading("Sounds")
    page.listen([("original", first), ("a " + "very " * 30 + "long name", second)], caption="Listen.")
    page.listen([("alone", second)])
    page.heading("Figures")
    page.figure(figures.spectrogram(first), caption="A line at 440 Hz.")
    page.gallery([(figures.spectra([("one", first)]), "A peak."), (figures.waveform(first), "An even band.")])
    path = page.write(tmp_path_factory.mktemp("page") / "page.html")
    return path.as_uri()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    from selenium.webdriver import Chrome
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(shutil.which("chromium"))
    profile = tmp_path_factory.mktemp("profile")
    for flag in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "disable-dev-shm-usage",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "no-first-run",
        "host-resolver-rules=MAP * ~NOTFOUND",
        f"user-data-dir={profile}",
    ):
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    driver.set_script_timeout(20)
    yield driver
    driver.quit()


@pytest.fixture
def show(chromium, page_uri):
    """Open the page at a size, in a theme, on screen or paper."""

    def opened(*, width=1280, height=900, theme="light", media="screen", motion="no-preference"):
        chromium.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        features = {"prefers-color-scheme": theme, "prefers-reduced-motion": motion}
        wanted = [{"name": name, "value": value} for name, value in features.items()]
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": wanted})
        chromium.get(page_uri)
        return chromium

    return opened


def until(driver, condition: str, seconds: float = 15.0):
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, seconds, poll_frequency=0.05).until(
        lambda _: driver.execute_script(f"return {condition}"), message=condition
    )


GROUP = "document.querySelector('#listen-1').group"


def test_every_player_is_ready_with_its_duration_and_nothing_is_complained_about(show):
    driver = show()
    until(driver, "[...document.querySelectorAll('audio')].every((audio) => audio.readyState >= 1)")
    durations = driver.execute_script("return [...document.querySelectorAll('audio')].map((a) => a.duration)")
    np.testing.assert_allclose(durations, [SECONDS, SECONDS / 2, SECONDS / 2], atol=0.01)
    fetched = "performance.getEntriesByType('resource').filter((e) => !e.name.startsWith('data:'))"
    assert driver.execute_script(f"return {fetched}.length") == 0
    assert [entry for entry in driver.get_log("browser") if entry["level"] in {"SEVERE", "WARNING"}] == []


def test_a_plain_player_plays_without_the_script_s_help(show):
    driver = show()
    driver.find_element("tag name", "body").click()  # browsers let sound begin only after a gesture
    driver.execute_script(
        "window.plain = document.querySelector('audio'); plain.controls = true; plain.play();"
    )
    until(driver, "plain.currentTime > 0.2")
    assert driver.execute_script("plain.pause(); return plain.currentTime") > 0.2


def test_play_advances_and_the_switch_goes_on_at_the_same_moment(show):
    driver = show()
    group = driver.find_element("id", "listen-1")
    button = group.find_element("css selector", ".play")
    assert button.get_attribute("aria-label") == "Play"
    button.click()
    until(driver, f"{GROUP}.position() > 0.3")
    assert button.get_attribute("aria-label") == "Pause"
    before = driver.execute_script(f"return {GROUP}.position()")
    group.find_elements("css selector", ".switch label")[1].click()
    until(driver, f"{GROUP}.voices[1].gain.gain.value > 0.95 && {GROUP}.voices[0].gain.gain.value < 0.05")
    after, shown, playhead = driver.execute_script(
        f"const g = {GROUP}; return [g.position(), +g.now.textContent,"
        " +getComputedStyle(g.root).getPropertyValue('--at')]"
    )
    assert before < after
    assert "chosen" in group.find_elements("css selector", ".track")[1].get_attribute("class")
    assert shown == pytest.approx(after, abs=0.5)
    assert playhead == pytest.approx(after / SECONDS, abs=0.2)
    button.click()
    assert button.get_attribute("aria-label") == "Play"
    stopped = driver.execute_script(f"return {GROUP}.position()")
    assert 0 < stopped < SECONDS
    assert driver.execute_script(f"return {GROUP}.voices.length") == 0


def test_the_sounds_of_a_group_are_decoded_to_what_was_given(show):
    driver = show()
    driver.find_element("css selector", "#listen-1 .play").click()
    until(driver, f"{GROUP}.buffers !== null")
    channels, peak, length = driver.execute_script(
        f"const b = {GROUP}.buffers[0];"
        "return [b.numberOfChannels, Math.max(...b.getChannelData(1).slice(2000, 12000)), b.duration]"
    )
    assert channels == 2
    assert peak == pytest.approx(0.3, abs=0.002)
    assert length == pytest.approx(SECONDS, abs=0.01)


def test_one_group_falls_silent_when_another_starts_and_the_end_comes_by_itself(show):
    driver = show()
    driver.find_element("css selector", "#listen-1 .play").click()
    until(driver, f"{GROUP}.position() > 0.1")
    other = "document.querySelector('#listen-2').group"
    driver.find_element("css selector", "#listen-2 .play").click()
    until(driver, f"{other}.position() > 0.1 && {GROUP}.voices.length === 0")
    until(driver, f"{other}.voices.length === 0")
    assert driver.execute_script(f"return [{other}.at, {other}.button.ariaLabel]") == [SECONDS / 2, "Play"]


def test_everything_can_be_done_from_the_keyboard(show):
    from selenium.webdriver.common.keys import Keys

    driver = show()
    reached = []
    for _ in range(14):
        driver.switch_to.active_element.send_keys(Keys.TAB)
        reached.append(
            driver.execute_script("return document.activeElement.className || document.activeElement.type")
        )
    for control in ("skip", "play", "radio", "seek", "checkbox"):
        assert control in reached
    button = driver.find_element("css selector", "#listen-1 .play")
    button.send_keys(Keys.SPACE)
    until(driver, f"{GROUP}.voices.length === 2")
    button.send_keys(Keys.SPACE)
    driver.find_element("css selector", "#listen-1 .switch input").send_keys(Keys.ARROW_RIGHT)
    assert driver.execute_script(f"return {GROUP}.chosen") == 1
    seek = driver.find_element("css selector", "#listen-1 .seek")
    driver.execute_script(f"{GROUP}.move(1.0)")
    seek.send_keys(Keys.ARROW_RIGHT)
    assert driver.execute_script(f"return {GROUP}.position()") == pytest.approx(1.01, abs=1e-3)


def test_a_click_on_the_spectrogram_goes_there(show):
    from selenium.webdriver import ActionChains

    driver = show()
    pane = driver.find_element("css selector", "#listen-1 .heat .pane")
    driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", pane)
    ActionChains(driver).move_to_element(pane).click().perform()
    assert driver.execute_script(f"return {GROUP}.position()") == pytest.approx(SECONDS / 2, abs=0.02)


@pytest.mark.parametrize("width", [320, 390, 820, 1280])
def test_nothing_sticks_out_sideways(show, width):
    driver = show(width=width, height=844)
    wide = driver.execute_script(
        "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wide <= 0
    assert driver.execute_script("return document.documentElement.clientWidth") <= width
    drawings = driver.execute_script(
        "return [...document.querySelectorAll('figure > svg.plot')].filter((s) => s.checkVisibility()).length"
    )
    assert drawings == 3  # of the wide and the narrow drawing of each figure exactly one is shown


def test_words_stand_out_in_daylight_and_in_the_dark(show):
    grounds = []
    for theme in ("light", "dark"):
        driver = show(theme=theme)
        grounds.append(driver.execute_script("return getComputedStyle(document.body).backgroundColor"))
        found = driver.execute_script(CONTRAST)
        assert len(found) > 60
        assert [entry for entry in found if entry[0] < 4.5] == []
    light, dark = (sum(map(int, ground[4:-1].split(","))) for ground in grounds)
    assert light > 3 * 230
    assert dark < 3 * 40


def test_paper_is_white_and_free_of_controls_even_when_the_screen_is_dark(show):
    driver = show(theme="dark", media="print")
    assert driver.execute_script("return getComputedStyle(document.body).color") == "rgb(27, 31, 36)"
    assert (
        driver.execute_script("return getComputedStyle(document.body).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    controls = "[...document.querySelectorAll('.transport, audio, nav, .playhead')]"
    assert driver.execute_script(f"return {controls}.filter((e) => e.checkVisibility()).length") == 0
    assert driver.execute_script("return document.querySelector('.heat img').checkVisibility()")


def test_those_who_want_less_motion_get_a_playhead_in_steps(show):
    driver = show(motion="reduce")
    driver.execute_script(
        f"window.seen = []; const g = {GROUP};"
        "new MutationObserver(() => seen.push(g.position())).observe(g.root, {attributeFilter: ['style']});"
    )
    driver.find_element("css selector", "#listen-1 .play").click()
    until(driver, "seen.length >= 4")
    positions = driver.execute_script("return seen.slice(0, 4)")
    assert min(np.diff(positions)) > 0.3
