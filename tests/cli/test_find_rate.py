"""find-rate with a real codec."""

import json

import pytest


@pytest.mark.slow
def test_finds_the_setting_of_opus_and_says_what_it_measured(cli) -> None:
    arguments = ("-m", "stoi", "-d", "demo:n=2", "--max-trials", "6", "-j", "1", "--json")
    done = cli("find-rate", "opus:bitrate=6000|16000,mode=cbr", "0.9", *arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    reached, missed = found["reached"], found["missed"]
    assert reached["score"] >= 0.9 > missed["score"]
    # Constant rate: what is asked for is spent, in whole bytes of frames of 20 ms.
    assert reached["payload_bps"] == pytest.approx(reached["setting"], rel=0.06)
    assert len(found["trials"]) <= 6
    assert done.stderr.count("kbit/s measured") == len(found["trials"])


@pytest.mark.slow
def test_a_score_out_of_reach_is_exit_code_3(cli) -> None:
    done = cli("find-rate", "codec2", "1.0", "-m", "stoi", "-d", "demo:n=1", "-j", "1")
    assert done.returncode == 3
    assert "does not reach stoi 1: not reached: the best score is" in done.stdout
