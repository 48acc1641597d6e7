weir_fuzz(config_file LIBRARIES weir::app_config)
