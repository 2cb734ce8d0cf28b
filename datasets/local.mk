## datasets
