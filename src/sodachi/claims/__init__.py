"""The claims: what is said, against which rivals, with what taken away, and whether it holds."""

from sodachi.claims.claim import Claim, Measured, Protocol
from sodachi.claims.record import ledger
from sodachi.claims.running import list_claims, run_claim

__all__ = ["Claim", "Measured", "Protocol", "ledger", "list_claims", "run_claim"]
