from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.learning.latent import LOG_VARIANCE_RANGE, Posterior


def posterior(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Posterior:
    mean, log_variance = torch.randn((2, *shape), generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return Posterior(mean, log_variance)


def test_kl_agrees_with_torch_distributions():
    q = posterior(3, 5, 7)
    normal = torch.distributions.Normal(q.mean, q.std)
    reference = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(q.kl_per_dimension(), reference.mean(dim=(0, 2)))
    torch.testing.assert_close(q.kl(), reference.sum(dim=1).mean())


def test_kl_has_the_formula_of_a_single_gaussian():
    # KL(N(2, 9) ‖ N(0, 1)) = ½(4 + 9 − ln 9 − 1)
    q = Posterior(torch.full((1, 1, 1), 2.0), torch.full((1, 1, 1), 9.0).log())
    assert q.kl().item() == pytest.approx(0.5 * (4 + 9 - 2.1972245773 - 1), rel=1e-6)


def test_kl_does_not_grow_with_length_or_batch():
    q = posterior(2, 4, 6)
    longer = Posterior(q.mean.repeat(3, 1, 5), q.log_variance.repeat(3, 1, 5))
    torch.testing.assert_close(longer.kl(free_bits=0.3), q.kl(free_bits=0.3))


def test_kl_is_zero_at_the_prior_and_positive_elsewhere():
    assert Posterior(torch.zeros(2, 3, 4), torch.zeros(2, 3, 4)).kl().item() == 0.0
    assert bool((posterior(2, 3, 4).kl_per_dimension() > 0).all())


@given(bits=st.floats(0.0, 3.0), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=30)
def test_free_bits_are_a_floor_for_each_dimension(bits: float, seed: int):
    q = posterior(2, 6, 5, seed=seed)
    expected = sum(max(value, bits) for value in q.kl_per_dimension().tolist())
    assert q.kl(free_bits=bits).item() == pytest.approx(expected)


def test_free_bits_release_only_the_dimensions_below_them():
    mean = torch.tensor([0.1, 3.0]).reshape(1, 2, 1).requires_grad_()
    Posterior(mean, torch.zeros(1, 2, 1)).kl(free_bits=1.0).backward()
    assert mean.grad is not None
    assert mean.grad.flatten().tolist() == [0.0, 3.0]


def test_samples_have_the_mean_and_the_spread():
    mean, log_variance = torch.full((1, 1, 200_000), 1.5), torch.full((1, 1, 200_000), 0.04).log()
    drawn = Posterior(mean, log_variance).sample(torch.Generator().manual_seed(1))
    assert drawn.mean().item() == pytest.approx(1.5, abs=2e-3)
    assert drawn.std().item() == pytest.approx(0.2, abs=2e-3)


def test_samples_follow_the_generator_alone():
    q = posterior(2, 3, 4)
    first, again, other = (q.sample(torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.manual_seed(7)
    free = q.sample()
    torch.manual_seed(7)
    assert torch.equal(free, q.sample())


def test_a_sample_carries_gradients_to_both_parameters():
    mean, log_variance = torch.randn(2, 2, 3, 4, dtype=torch.float64).unbind()
    inputs = (mean.clone().requires_grad_(), log_variance.clone().requires_grad_())

    def drawn(m: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        return Posterior(m, v).sample(torch.Generator().manual_seed(3))

    assert torch.autograd.gradcheck(drawn, inputs)
    assert torch.autograd.gradcheck(lambda m, v: Posterior(m, v).kl(free_bits=0.2), inputs)


def test_the_mode_is_the_mean():
    q = posterior(2, 3, 4)
    assert torch.equal(q.mode(), q.mean)
    torch.testing.assert_close(q.std.square(), q.variance)


def test_log_variance_is_held_within_its_range_and_stays_finite():
    q = Posterior(torch.zeros(1, 2, 1), torch.tensor([-1e9, 1e9]).reshape(1, 2, 1))
    assert q.log_variance.flatten().tolist() == list(LOG_VARIANCE_RANGE)
    assert bool(torch.isfinite(q.kl()))
    assert bool(torch.isfinite(q.sample()).all())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_cast_up(dtype: torch.dtype):
    q = Posterior(torch.ones(1, 2, 3, dtype=dtype), torch.full((1, 2, 3), 15.0, dtype=dtype))
    assert q.sample().dtype == torch.float32
    assert bool(torch.isfinite(q.kl()))  # e¹⁵ is beyond float16


def test_shapes_that_differ_are_refused():
    with pytest.raises(ValueError, match="differ"):
        Posterior(torch.zeros(1, 2, 3), torch.zeros(1, 2, 4))
