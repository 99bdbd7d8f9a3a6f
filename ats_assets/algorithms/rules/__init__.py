"""Execution algorithms, one a module; `orders.algorithm` names one."""
