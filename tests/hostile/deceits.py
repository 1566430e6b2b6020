"""Those that lie: about their scores, their times, and what they leave to be scored."""

from __future__ import annotations

from .kind import CRASHED, DIVERGED, FAILED, Kind

#: What the suite's own code further up the stack has under a name, and where it listens.
_TOP = """
    def found(name):
        frame = sys._getframe(1)
        while frame is not None and name not in frame.f_locals:
            frame = frame.f_back
        return frame.f_locals[name]


    def send(line):
        for number in range(3, 64):
            try:
                os.set_blocking(number, False)
                os.write(number, b"\\n" + line.encode() + b"\\n")
                os.set_blocking(number, True)
            except OSError:
                pass


    def outcome(**changes):
        import json

        parts = {
            "metrics": {
                "best_epoch": 1,
                "validation": {"mae": 0.0001},
                "test": {"mae": 0.0001, "mae_degC": 0.0926},
            },
            "timing": dict.fromkeys(
                ("build", "fit", "steady_epoch", "predict", "predict_per_1000", "total"), 0.001
            ),
            "memory": {"peak_rss": 1},
            "model": {"parameters": 1, "size": 1},
        }
        return json.dumps({"kind": "Outcome", "status": "ok", **parts, **changes})


    def keep(leave):
        import bench.worker.train

        bench.worker.train._keep = leave


    def arrays(**kinds):
        def leave(path, honest):
            with open(path, "wb") as file:
                np.savez(file, **{name: kinds["of"](array) for name, array in honest.items()})

        return leave
"""
_SEND_AND_LEAVE = "send({line}); time.sleep(0.1); os._exit(0)"


def _sends(name: str, line: str, status: str, reason: str) -> Kind:
    return Kind(name, _SEND_AND_LEAVE.format(line=line), status, reason, top=_TOP)


def _leaves(name: str, leave: str, status: str, reason: str) -> Kind:
    return Kind(name, f"keep({leave})", status, reason, top=_TOP)


KINDS = (
    _sends("writes_its_own_outcome", "outcome()", FAILED, "left no predictions"),
    Kind(
        "writes_an_outcome_and_goes_on",
        "send(outcome())",
        FAILED,
        "sent more than one outcome",
        top=_TOP,
    ),
    _sends(
        "sends_nulls",
        "outcome(metrics=None, timing=None, memory=None, model=None, environment=None)",
        FAILED,
        "Outcome whose metrics is not what it must be",
    ),
    _sends("sends_words_for_times", "outcome(timing={'fit': 'fast'})", FAILED, "whose timing"),
    _sends("sends_an_endless_time", "outcome(timing={'fit': 1e999})", FAILED, "whose timing"),
    _sends(
        "sends_what_is_nine_hundred_deep",
        "outcome().replace('{\"peak_rss\": 1}', '{\"a\": ' * 900 + '1' + '}' * 900)",
        FAILED,
        "whose memory",
    ),
    _sends("sends_a_status_of_its_own", "outcome(status='best')", FAILED, "whose status"),
    _sends(
        "sends_an_epoch_of_words",
        '\'{"kind": "EpochDone", "epoch": "x", "epochs": 1, "metric": 0.5}\'',
        FAILED,
        "EpochDone whose epoch",
    ),
    _sends("says_that_it_has_ended", '\'{"kind": "Ended", "status": 0}\'', CRASHED, "no result"),
    Kind(
        "has_a_metric_of_its_own",
        """
            from bench.statistics import scores

            for name in scores.SCORE_RULES:
                lie = scores.ScoreRule(lambda *_: 0.0001, lambda *_: 0.0001)
                scores.SCORE_RULES[name] = lie
        """,
    ),
    Kind(
        "stops_the_clock", "now = time.perf_counter(); time.perf_counter = lambda: now", clock=True
    ),
    Kind("turns_the_clock_back", "time.perf_counter = lambda: 0.0", FAILED, "whose timing"),
    Kind(
        "hurries_the_clock",
        """
            honest, began = time.perf_counter, time.perf_counter()
            time.perf_counter = lambda: began + (honest() - began) / 1000
        """,
        clock=True,
    ),
    Kind(
        "looks_for_the_targets_of_the_test_split",
        """
            assert np.isnan(found("opened").test.targets).all()
            assert "targets_test.npy" not in os.listdir(found("job").prepared)
        """,
        top=_TOP,
        pure=True,
    ),
    _leaves("leaves_no_predictions", "lambda *_: None", FAILED, "left no predictions"),
    _leaves(
        "leaves_a_link",
        "lambda path, _: os.symlink('/etc/hostname', path)",
        FAILED,
        "predictions that the worker left is a link",
    ),
    _leaves(
        "leaves_another_name_of_a_file",
        "lambda path, _: os.link(__file__, path)",
        FAILED,
        "is a link",
    ),
    _leaves("leaves_a_pipe", "lambda path, _: os.mkfifo(path)", FAILED, "not a regular file"),
    _leaves("leaves_a_folder", "lambda path, _: os.mkdir(path)", FAILED, "not a regular file"),
    _leaves(
        "leaves_a_terabyte",
        "lambda path, _: (path.touch(), os.truncate(path, 2**40))",
        FAILED,
        "has 1,099,511,627,776 bytes, more than",
    ),
    _leaves("leaves_noise", "lambda path, _: path.write_bytes(b'noise')", FAILED, "can be read"),
    _leaves("leaves_words", "arrays(of=lambda a: a.astype('U2'))", FAILED, "type float32"),
    _leaves("leaves_a_table", "arrays(of=lambda a: a.reshape(2, -1))", FAILED, "of shape (2, 50)"),
    _leaves("leaves_one_too_few", "arrays(of=lambda a: a[1:])", FAILED, "of shape (99,)"),
    _leaves("leaves_nan", "arrays(of=lambda a: a * np.nan)", DIVERGED, "not all finite"),
    _leaves(
        "leaves_a_pickle",
        "arrays(of=lambda a: np.array([a[0]] * 9, object))",
        FAILED,
        "can be read",
    ),
    _leaves(
        "leaves_a_bomb",
        "lambda path, _: np.savez_compressed(path.open('wb'), **dict.fromkeys("
        "('validation_predictions', 'predictions'), np.zeros(2**20, 'float32')))",
        FAILED,
        "of more than 100 examples",
    ),
)
