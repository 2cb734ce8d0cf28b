## tests of store
