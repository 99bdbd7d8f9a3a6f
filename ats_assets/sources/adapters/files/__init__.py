"""Files of bars and corporate actions, with columns and stamps recognised."""
