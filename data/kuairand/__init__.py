"""The converter of KuaiRand, the logs of a short-video feed."""
