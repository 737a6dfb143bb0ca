"""The methods: requests to images."""
