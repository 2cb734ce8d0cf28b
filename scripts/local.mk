## scripts
