"""What a picture file says beside its pixels: collected when read, fitted to the format written."""
