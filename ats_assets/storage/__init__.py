"""Files: written whole or not at all, sealed with their hash; the warehouse of partitions and their vintages."""
