"""Dual space preconditioned gradient descent on overparameterized linear models."""

from . import check
from .divergences import (
    FundamentalIdentity,
    adjusted_bregman,
    bregman,
    fundamental_identity,
    loss_conjugate_at,
    three_point_gap,
)
from .losses import LogCoshLoss, SquaredLoss
from .preconditioners import (
    Adam,
    GradientClipping,
    GradientDescent,
    NormalizedGD,
    Preconditioner,
    SoftClipping,
)
from .problem import Problem
from .solve import Result, dspgd
from .theory import CertifiedLimit, certified_limit, max_learning_rate, one_step_bound

__all__ = [
    "Adam",
    "CertifiedLimit",
    "FundamentalIdentity",
    "GradientClipping",
    "GradientDescent",
    "LogCoshLoss",
    "NormalizedGD",
    "Preconditioner",
    "Problem",
    "Result",
    "SoftClipping",
    "SquaredLoss",
    "adjusted_bregman",
    "bregman",
    "certified_limit",
    "check",
    "dspgd",
    "fundamental_identity",
    "loss_conjugate_at",
    "max_learning_rate",
    "one_step_bound",
    "three_point_gap",
]
