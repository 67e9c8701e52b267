"""The check of a project when its image is built: can its program be imported, and called by its library?"""
