"""Dual space preconditioned gradient descent on overparameterized linear models."""

from . import check, profiles
from .blocks import ColumnWise, Isotropic, Separable
from .convex import ConvexFunction, Preconditioner
from .divergences import (
    FundamentalIdentity,
    adjusted_bregman,
    bregman,
    fundamental_identity,
    loss_conjugate_at,
    three_point_gap,
)
from .entropies import BurgEntropy, NegativeEntropy
from .flow import preconditioned_flow
from .losses import LogCoshLoss, Loss, SquaredLoss
from .mirror import mirror_curvature, mirror_descent
from .nearest import bregman_projection, min_norm
from .potentials import Cosh, Hypentropy, LogCosh, PNorm, Quadratic
from .preconditioners import (
    Adam,
    ColumnNormalized,
    GradientClipping,
    GradientDescent,
    NormalizedGD,
    SmoothedSign,
    SoftClipping,
)
from .problem import Problem
from .profile import Profile
from .results import MirrorResult, Result
from .runs import dspgd, sweep
from .spectral import Spectral
from .theory import (
    CertifiedLimit,
    Start,
    angle_distance_bound,
    certified_limit,
    distance_bound,
    energy,
    energy_distance_bound,
    gradient_sum_bound,
    loss_rate,
    max_learning_rate,
    one_step_bound,
    path_length_bound,
    reach_bound,
    sector_distance_bound,
    weight_rate,
)
