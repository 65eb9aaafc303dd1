"""Patterns as data: grooves of kits, figures of basses and of chords. A sign is a sixteenth of a 4/4 bar."""

from __future__ import annotations

# X loud, x plain, o soft, . rest.
_GROOVES = {
    "rock": "hat X.x.X.x.X.x.X.x. | kick X.......X.x..... | snare ....X.......X...",
    "straight": "hat X.x.X.x.X.x.X.x. | kick X.....x.X....... | snare ....X.......X...",
    "driving": "ride X.X.X.X.X.X.X.X. | kick X.x...X...X...x. | snare ....X.......X...",
    "sixteenths": "hat XoxoXoxoXoxoXoxo | kick X..x....X.x..... | snare ....X.......X...",
    "half_time": "hat X.x.x.x.X.x.x.x. | kick X.....x...x..... | snare ........X.......",
    "metal": "crash X...X...X...X... | kick xxxxxxxxxxxxxxxx | snare ....X.......X...",
    "gallop": "hat X...X...X...X... | kick X.xxX.xxX.xxX.xx | snare ....X.......X...",
    "punk": "hat X.X.X.X.X.X.X.X. | kick X...X...X...X... | snare ..X...X...X...X.",
    "four_floor": "kick X...X...X...X... | open_hat ..x...x...x...x. | clap ....X.......X...",
    "house": "kick X...X...X...X... | hat x.ox..o.x.ox..ox | open_hat ..X...X...X...X."
    " | clap ....X.......X... | shaker oxooOxooOxooOxoo",
    "techno": "kick X...X...X...X... | hat ..x...x...x...x. | rim ...x..x....x..x. | ride x.x.x.x.x.x.x.x.",
    "electro": "hat x.x.x.x.x.x.x.xx | kick X..x..x...X....."
    " | snare ....X.......X... | cowbell ......x...x..x..",
    "breakbeat": "hat X.x.X.x.X.x.X.x. | kick X.X.......XX.... | snare ....X..o.o..X..o",
    "jungle": "ride X.x.X.x.X.x.X.x. | kick X.x.......x..... | snare ....X..x.x..X..x",
    "trap": "hat x.x.xxx.x.x.x.xx | kick X......x..X..... | snare ........X....... | clap ........X.......",
    "boom_bap": "hat x.x.x.x.x.x.x.x. | kick X.....xx..x..... | snare ....X.......X...",
    "funk": "hat XoxoXoxoXoxoXoxo | kick X.x...x..xx..x.. | snare ....X..o.o.oX..o",
    "disco": "kick X...X...X...X... | hat x.o.x.o.x.o.x.o."
    " | open_hat ..x...x...x...x. | snare ....X.......X...",
    "soul": "hat X.x.X.x.X.x.X.x. | kick X..x......xx.... | snare X...X...X...X...",
    "reggae": "hat x.x.X.x.x.x.X.x. | kick ........X....... | rim ........X.......",
    "steppers": "hat ..x...x...x...x. | kick X...X...X...X... | rim ........X.......",
    "bossa": "hat xoxoxoxoxoxoxoxo | kick X..xX..xX..xX..x | rim x..x..x...x..x..",
    "samba": "shaker XoxXXoxXXoxXXoxX | kick x..xX..xx..xX..x"
    " | conga_low ....X.......X..x | conga_high x.x...xx.x.x..x.",
    "salsa": "conga_high x...x.X.x...x... | conga_low ..............XX | clave x..x..x...x.x..."
    " | cowbell X.x.X.x.X.x.X.x. | kick ......x.......x.",
    "afro": "shaker X.xxX.xxX.xxX.xx | bell X.x.x..x.x.x..x."
    " | kick X..x....x..x.... | conga_high ..x..xx...x..xx.",
    "train": "snare oxoXoxoXoxoXoxoX | kick X...X...X...X...",
    "two_step": "hat x.X.x.X.x.X.x.X. | kick X.......X....... | rim ....X.......X...",
    "swing": "ride X...X..xX...X..x | pedal_hat ....x.......x... | kick o...o...o...o...",
    "brushes": "snare o.o.x.o.o.o.x.o. | kick x.......x....... | ride x...x...x...x...",
    "ballad": "hat X...x...X...x... | kick X.........x..... | rim ....X.......X...",
    "march": "snare X.xxX.xxX.xxXxxx | kick X.......X.......",
    "hand_drums": "conga_high x..x..x.x..x..x. | conga_low ....X.......X.xx | shaker x.x.x.x.x.x.x.x.",
    "toms": "tom_low X..x..x.X..x..x. | tom_mid ......X.......X. | kick X...X...X...X...",
}  # fmt: skip

# R root, 5 fifth, 8 octave, 3 third, 7 seventh, A a step before the next root; "." holds, "," stops.
BASS_FIGURES = {
    "pulse": "R.R.R.R.R.R.R.R.",
    "sixteenths": "RRRRRRRRRRRRRRRR",
    "held": "R...............",
    "halves": "R.......5.......",
    "offbeat": ",.R.,.R.,.R.,.R.",
    "octaves": "R.8.R.8.R.8.R.8.",
    "funk": "R..R,.8.,.R.7.5.",
    "slap": "R.,8,.R.,8.57.8.",
    "syncopated": "R..R..R...5.R..A",
    "soul": "R..R....5.7.8.A.",
    "reggae": "R.,.R.3.5...,...",
    "tumbao": ",.....5.....R...",
    "bossa": "R.....5.5.....A.",
    "two_beat": "R...,...5...,...",
    "walking": "R...3...5...A...",
    "rock": "R.R.R.R.5.5.8.A.",
    "gallop": "R.RRR.RRR.RRR.RR",
    "tresillo": "R.....R.....R...",
    "sub": "R.......,.R.....",
    "riff": "R..3..5.R..3..A.",
    "acid": "RR8R,R8,R,7RR8,5",
    "pedal": "R.....R.R.....R.",
}

# X loud, x plain: the chord; "." holds, "," stops.
CHORD_FIGURES = {
    "whole": "X...............",
    "halves": "X.......x.......",
    "quarters": "X...x...x...x...",
    "eighths": "X.x.X.x.X.x.X.x.",
    "sixteenths": "XxxxXxxxXxxxXxxx",
    "gallop": "X.xxX.xxX.xxX.xx",
    "offbeats": ",.X,,.X,,.X,,.X,",
    "skank": ",...X,..,...X,..",
    "charleston": "X.....x,........",
    "bossa": "X..x..x...x..x..",
    "montuno": "X.xx.xx.xx.x.xx.",
    "scratch": "X,x,,X,x,X,,x,X,",
    "tresillo": "X.....X.....X...",
    "syncopated": "X..X..X...X.X...",
    "anticipated": "X.....x.......X.",
    "stabs": "X,....X,........",
    "house": "X,.X,.X,..X,.X,.",
    "strum": "X...x.xx..x.x.x.",
    "country": "x...X...x...X.x.",
    "hits": "X,..,...,.X,,...",
}


def _lines(text: str) -> dict[str, str]:
    """Piece to pattern."""
    words = text.replace("|", " ").split()
    return dict(zip(words[::2], words[1::2], strict=True))


GROOVES = {name: _lines(text) for name, text in _GROOVES.items()}
