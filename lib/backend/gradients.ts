/**
 * Registers the gradient of every TensorFlow.js operation. The Node build of `tfjs-core` leaves them
 * out; the union package brings them, on the same core.
 */
import "@tensorflow/tfjs";
