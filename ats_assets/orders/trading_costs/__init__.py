"""What orders are expected to cost before they are sent, what they have cost, and what that says of the model of impact."""
