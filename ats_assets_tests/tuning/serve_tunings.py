"""Forks a run of the tuning for each line that it reads; see `tuned_market.serve_tunings`."""

from ats_assets_tests.tuning.tuned_market import serve_tunings

if __name__ == "__main__":
    serve_tunings()
