"""The engines that a run may have its work done by, one module each; `ats run --on NAME` names one."""
