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
from .flow import FlowResult, preconditioned_flow
from .losses import LogCoshLoss, SquaredLoss
from .mirror import MirrorRuns, mirror_curvature, mirror_descent
from .nearest import bregman_projection, min_norm
from .potentials import (
    BurgEntropy,
    Hypentropy,
    LogCosh,
    NegativeEntropy,
    Potential,
    Quadratic,
)
from .preconditioners import (
    Adam,
    ColumnNormalized,
    Cosh,
    GradientClipping,
    GradientDescent,
    NormalizedGD,
    PNorm,
    Preconditioner,
    SmoothedSign,
    SoftClipping,
    Spectral,
)
from .problem import Problem
from .solve import Result, Sweep, dspgd, sweep
from .theory import (
    CertifiedLimit,
    certified_limit,
    distance_bound,
    energy,
    gradient_sum_bound,
    loss_rate,
    max_learning_rate,
    one_step_bound,
    path_length_bound,
    reach_bound,
    weight_rate,
)

__all__ = [
    "Adam",
    "BurgEntropy",
    "CertifiedLimit",
    "ColumnNormalized",
    "Cosh",
    "FlowResult",
    "FundamentalIdentity",
    "GradientClipping",
    "GradientDescent",
    "Hypentropy",
    "LogCosh",
    "LogCoshLoss",
    "MirrorRuns",
    "NegativeEntropy",
    "NormalizedGD",
    "PNorm",
    "Potential",
    "Preconditioner",
    "Problem",
    "Quadratic",
    "Result",
    "SmoothedSign",
    "SoftClipping",
    "Spectral",
    "SquaredLoss",
    "Sweep",
    "adjusted_bregman",
    "bregman",
    "bregman_projection",
    "certified_limit",
    "check",
    "distance_bound",
    "dspgd",
    "energy",
    "fundamental_identity",
    "gradient_sum_bound",
    "loss_conjugate_at",
    "loss_rate",
    "max_learning_rate",
    "min_norm",
    "mirror_curvature",
    "mirror_descent",
    "one_step_bound",
    "path_length_bound",
    "preconditioned_flow",
    "reach_bound",
    "sweep",
    "three_point_gap",
    "weight_rate",
]
