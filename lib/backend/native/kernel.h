// What every operation here needs of TensorFlow's C interface to kernels.
#ifndef CRYPTS_KERNEL_H_
#define CRYPTS_KERNEL_H_

#include <cstdint>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

// One execution of an operation on float32 tensors. Sizes are trusted: fused_kernels.ts and
// convolutions.ts are the only callers.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Call() {
    for (TF_Tensor* tensor : owned_) TF_DeleteTensor(tensor);
    TF_DeleteStatus(status_);
  }
  Call(const Call&) = delete;

  TF_Tensor* tensor(int index) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, index, &tensor, status_);
    return keep(tensor);
  }

  const float* input(int index) { return data(tensor(index)); }

  float* output(int index, const std::vector<int64_t>& shape) {
    size_t bytes = sizeof(float);
    for (int64_t side : shape) bytes *= side;
    return data(keep(TF_AllocateOutput(context_, index, TF_FLOAT, shape.data(),
                                       static_cast<int>(shape.size()), bytes, status_)));
  }

  static std::vector<int64_t> shape(const TF_Tensor* tensor) {
    std::vector<int64_t> sides;
    for (int i = 0; i < TF_NumDims(tensor); i++) sides.push_back(TF_Dim(tensor, i));
    return sides;
  }

 private:
  static float* data(TF_Tensor* tensor) { return static_cast<float*>(TF_TensorData(tensor)); }
  TF_Tensor* keep(TF_Tensor* tensor) {
    owned_.push_back(tensor);
    return tensor;
  }

  TF_OpKernelContext* context_;
  TF_Status* status_;
  std::vector<TF_Tensor*> owned_;
};

struct NoSettings {
  explicit NoSettings(TF_OpKernelConstruction*) {}
};

struct Operation {
  const char* name;
  std::vector<const char*> inputs, outputs, attributes;
};

template <typename Settings, void (*run)(const Settings&, Call&)>
void register_operation(const Operation& operation) {
  TF_Status* status = TF_NewStatus();
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(operation.name);
  for (const char* spec : operation.inputs) TF_OpDefinitionBuilderAddInput(definition, spec);
  for (const char* spec : operation.outputs) TF_OpDefinitionBuilderAddOutput(definition, spec);
  for (const char* spec : operation.attributes) TF_OpDefinitionBuilderAddAttr(definition, spec);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, &TF_ShapeInferenceContextSetUnknownShape);
  TF_RegisterOpDefinition(definition, status);
  TF_KernelBuilder* kernel = TF_NewKernelBuilder(
      operation.name, "CPU",
      [](TF_OpKernelConstruction* construction) -> void* { return new Settings(construction); },
      [](void* settings, TF_OpKernelContext* context) {
        Call call(context);
        run(*static_cast<Settings*>(settings), call);
      },
      [](void* settings) { delete static_cast<Settings*>(settings); });
  TF_RegisterKernelBuilder(operation.name, kernel, status);
  TF_DeleteStatus(status);
}

#endif  // CRYPTS_KERNEL_H_
