## tests of datasets
