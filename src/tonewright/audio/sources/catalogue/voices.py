"""Speech of the pool.

The prompts of Asterisk hold beeps, silence and shrieking monkeys among their sentences; the 8 kHz
versions of them are of no use. Where a package has no licence but GPL or GFDL, it is `permissive=False`.
"""

from __future__ import annotations

from tonewright.audio.sources.catalogue.source import Source

_ASTERISK = "usr/share/asterisk/sounds/"
# Not speech: silence, signals, and one recording of animals.
_SIGNALS = (
    "silence/*",
    "beep*",
    "ascending-*",
    "descending-*",
    "confbridge-join.*",
    "confbridge-leave.*",
    "tt-monkeys.*",
)


def _asterisk(language: str, folder: str, speaker: str, upstream: str, megabytes: float) -> Source:
    return Source(
        name=f"asterisk-{language}",
        package=f"asterisk-core-sounds-{language}-g722",
        manager="apt",
        part="voices",
        size="small",
        megabytes=megabytes,
        root=_ASTERISK + folder,
        files=("**/*.g722",),
        without=_SIGNALS,
        labels=("speech", language, speaker),
        published=((rf"^{_ASTERISK}[^/]*/", upstream),),
        decoder="g722",
    )


VOICES: tuple[Source, ...] = (
    _asterisk("en", "en_US_f_Allison", "allison", "en-", 10.6),
    _asterisk("es", "es_MX_f_Allison", "allison", "es-", 13.1),
    _asterisk("fr", "fr_CA_f_June", "june", "fr-", 10.9),
    _asterisk("it", "it_IT_m_Carlo", "carlo", "it-", 10.1),
    _asterisk("ru", "ru_RU_f_IvrvoiceRU", "ivrvoice", "ru-", 10.6),
    Source(
        name="festvox-ru",
        package="festvox-ru",
        manager="apt",
        part="voices",
        size="small",
        megabytes=178.8,
        root="usr/share/festival/voices/russian/msu_ru_nsh_clunits/wav",
        files=("*.wav",),
        labels=("speech", "ru", "nsh"),
        published=(("^", ""),),
    ),
    Source(
        name="fillets-ng-cs",
        package="fillets-ng-data-cs",
        manager="apt",
        part="voices",
        size="small",
        megabytes=39.1,
        permissive=False,
        root="usr/share/games/fillets-ng/sound",
        files=("*/cs/*.ogg",),
        labels=("speech", "cs", "various"),
        licence="GPL-2.0-only",
        author="ALTAR interactive",
        evidence=("usr/share/doc/fillets-ng-data-cs/copyright", "version 2 dated June, 1991"),
    ),
    Source(
        name="klettres",
        package="klettres-data",
        manager="apt",
        part="voices",
        size="small",
        megabytes=39.6,
        permissive=False,
        root="usr/share/klettres",
        files=("*/alpha/*.ogg", "*/syllab/*.ogg"),
        reads=r"^(?P<language>[^/]+)/",
        labels=("speech", "{language}", "various"),
        published=(("^usr/share/klettres/", "data/"),),
    ),
    Source(
        name="ktuberling",
        package="ktuberling-data",
        manager="apt",
        part="voices",
        size="full",
        megabytes=46.7,
        permissive=False,
        root="usr/share/ktuberling/sounds",
        files=("*/*.ogg", "*/*.opus", "*/*.wav"),
        reads=r"^(?P<language>[^/@]+)",
        labels=("speech", "{language}", "various"),
        published=(("^usr/share/ktuberling/", ""),),
    ),
    Source(
        name="hedgewars-voices",
        package="hedgewars-data",
        manager="apt",
        part="voices",
        size="full",
        megabytes=145.4,
        permissive=False,
        root="usr/share/games/hedgewars/Data/Sounds/voices",
        files=("*/*.ogg",),
        without=("Robot*/*",),
        reads=r"^(?P<speaker>[^/]+)/",
        labels=("speech", "various", "{speaker}"),
        published=(("^usr/share/games/", "share/"),),
    ),
)
