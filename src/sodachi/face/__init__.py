"""The face: the command line, tables, estimators for scikit-learn and streams, and reports."""
