"""Each strategy's own book: netted orders and their fills split back among the strategies, to the share and to the cent."""
