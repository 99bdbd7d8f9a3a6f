"""What a net scores by kernels is what PyTorch's own modules give, and a row's bits do not depend on what is beside it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.models.learners.dlinear import Decomposition, DlinearSettings
from ats_assets.models.learners.lstm import LstmSettings, Recurrence
from ats_assets.models.learners.transformer import TemporalAttention, TransformerSettings
from ats_assets.models.nets.net import Net
from ats_assets.models.nets.net_file import Tensors
from ats_assets.models.nets.net_kernels import affine

torch = pytest.importorskip("torch", reason="PyTorch is not installed: python3 dev.py torch")

NETS: dict[str, Net] = {
    "lstm": Recurrence(LstmSettings(hidden=7, layers=2)),
    "transformer": TemporalAttention(TransformerSettings(width=12, heads=3, layers=2, inner_width=10)),
    "dlinear": Decomposition(DlinearSettings(trend_sessions=5)),
}


def made(name: str, n: int, length: int, channels: int, seed: int = 0) -> tuple[Tensors, np.ndarray]:
    """Random tensors, and steps of which a third are missing, the last one never."""
    random = np.random.default_rng(seed)
    tensors = {
        key: (0.4 * random.standard_normal(one.shape)).astype(np.float32)
        for key, one in NETS[name].initial(length, channels, random).items()
    }
    x = random.standard_normal((n, length, channels)).astype(np.float32)
    there = random.random((n, length)) > 0.3
    there[:, -1] = True
    x *= there[:, :, None]
    x[:, :, -1] = there
    return tensors, x


@pytest.mark.parametrize("name", NETS)
@settings(max_examples=8, deadline=None)
@given(st.integers(1, 11), st.integers(1, 9), st.integers(2, 6), st.integers(0, 99))
def test_kernels_and_what_is_trained_score_alike(name: str, n: int, length: int, channels: int, seed: int) -> None:
    tensors, x = made(name, n, length, channels, seed)
    weights = {key: torch.from_numpy(one) for key, one in tensors.items()}
    trained = NETS[name].forward(torch, weights, torch.from_numpy(x), lambda values: values).numpy()
    np.testing.assert_allclose(NETS[name].score(tensors, x), trained, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", NETS)
def test_a_rows_bits_do_not_depend_on_the_rows_beside_it(name: str) -> None:
    tensors, x = made(name, 130, 20, 11)
    whole = NETS[name].score(tensors, x)
    for n in (1, 2, 3, 4, 5, 17):
        for start in (0, 1, 5, 100):
            assert np.array_equal(NETS[name].score(tensors, x[start : start + n]), whole[start : start + n])


def test_the_recurrence_is_that_of_pytorchs_module() -> None:
    tensors, x = made("lstm", 9, 6, 4)
    module = torch.nn.LSTM(4, 7, 2, batch_first=True)
    named = {"weight_ih": "input", "weight_hh": "state", "bias_ih": "gates"}
    state = {f"{theirs}_l{layer}": torch.from_numpy(tensors[f"{ours}.{layer}"]) for theirs, ours in named.items() for layer in (0, 1)}
    module.load_state_dict(state | {f"bias_hh_l{layer}": torch.zeros(28) for layer in (0, 1)})
    with torch.no_grad():
        last = module(torch.from_numpy(x))[0][:, -1].numpy()
    expected = last @ tensors["out.weight"][0] + tensors["out.bias"][0]
    np.testing.assert_allclose(NETS["lstm"].score(tensors, x), expected, rtol=1e-4, atol=1e-5)


def test_the_attention_is_that_of_pytorchs_encoder() -> None:
    tensors, x = made("transformer", 9, 6, 4)
    layer = torch.nn.TransformerEncoderLayer(12, 3, 10, dropout=0.0, batch_first=True, norm_first=True)
    encoder = torch.nn.TransformerEncoder(layer, 2, norm=torch.nn.LayerNorm(12), enable_nested_tensor=False)
    named = {
        "self_attn.in_proj_": "attend",
        "self_attn.out_proj.": "mix",
        "linear1.": "widen",
        "linear2.": "narrow",
        "norm1.": "norm1",
        "norm2.": "norm2",
    }
    state = {"norm.weight": tensors["norm.weight"], "norm.bias": tensors["norm.bias"]}
    for number in (0, 1):
        for theirs, ours in named.items():
            for part in ("weight", "bias"):
                state[f"layers.{number}.{theirs}{part}"] = tensors[f"{ours}.{number}.{part}"].T
    encoder.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(one)) for name, one in state.items()})
    steps = x @ tensors["in.weight"] + tensors["in.bias"] + tensors["position"]
    encoder.eval()
    with torch.no_grad():
        found = encoder(torch.from_numpy(steps), src_key_padding_mask=torch.from_numpy(x[:, :, -1] <= 0)).numpy()
    there = (found * x[:, :, -1:]).reshape(9, -1)
    expected = (there @ tensors["out.weight"] + tensors["out.bias"])[:, 0]
    np.testing.assert_allclose(NETS["transformer"].score(tensors, x), expected, rtol=1e-4, atol=1e-5)


def test_what_is_in_a_missing_session_is_not_looked_at() -> None:
    tensors, x = made("transformer", 5, 8, 4)
    other = x.copy()
    other[x[:, :, -1] == 0] = [7.0, -7.0, 7.0, 0.0]
    assert np.array_equal(NETS["transformer"].score(tensors, x), NETS["transformer"].score(tensors, other))


@pytest.mark.parametrize("length", [1, 2, 9])
def test_the_decomposition_is_a_moving_mean_with_its_ends_repeated_and_what_is_left(length: int) -> None:
    tensors, x = made("dlinear", 6, length, 3)
    padded = np.concatenate([np.repeat(x[:, :1], 2, axis=1), x, np.repeat(x[:, -1:], 2, axis=1)], axis=1)
    trend = np.stack([padded[:, step : step + 5].mean(axis=1) for step in range(length)], axis=1)
    expected = trend.reshape(6, -1) @ tensors["trend"] + (x - trend).reshape(6, -1) @ tensors["rest"] + tensors["bias"]
    np.testing.assert_allclose(NETS["dlinear"].score(tensors, x), expected, rtol=1e-4, atol=2e-5)


def test_the_product_is_that_of_matrices() -> None:
    random = np.random.default_rng(3)
    for n, inner, m in ((1, 1, 1), (5, 3, 17), (8, 40, 33)):
        x, w, bias = (random.standard_normal(shape).astype(np.float32) for shape in ((n, inner), (inner, m), (m,)))
        np.testing.assert_allclose(affine(x, w, bias), x @ w + bias, rtol=1e-4, atol=1e-5)
