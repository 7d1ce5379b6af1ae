"""What happens, told to an MQTT broker: for home automation and doors that listen there already."""
