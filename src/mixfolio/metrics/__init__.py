"""What a portfolio or its record is worth: risk, reward, trading, and where risk comes from."""

from mixfolio.metrics._attribution import CovarianceModel, RiskAttribution, risk_attribution
from mixfolio.metrics._measures import (
    annualised_volatility,
    certainty_equivalent,
    distance_to_equal,
    diversification_ratio,
    downside_deviation,
    drawdown,
    effective_number,
    gross_exposure,
    maximum_drawdown,
    risk_contributions,
    sharpe_ratio,
    turnover,
    volatility,
    wealth,
)

__all__ = [
    "CovarianceModel",
    "RiskAttribution",
    "annualised_volatility",
    "certainty_equivalent",
    "distance_to_equal",
    "diversification_ratio",
    "downside_deviation",
    "drawdown",
    "effective_number",
    "gross_exposure",
    "maximum_drawdown",
    "risk_attribution",
    "risk_contributions",
    "sharpe_ratio",
    "turnover",
    "volatility",
    "wealth",
]
